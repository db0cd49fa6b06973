"""One page a file: read the request, ask the doors, show the answer."""
