"""The faces of the cloud over HTTP, a module for each service that a client finds."""
