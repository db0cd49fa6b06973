"""网页控制台: the officers' web pages, a client of the gRPC doors with no store of its own."""
