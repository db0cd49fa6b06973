"""实验室: simulator, demo seeding and scripted officers. Clients of the public doors only."""
