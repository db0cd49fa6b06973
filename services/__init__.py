"""The services of the platform: one package each, standing on `chassis`."""
