"""The HTTP API: each file is one resource, and an endpoint is parse, call the story, dump."""
