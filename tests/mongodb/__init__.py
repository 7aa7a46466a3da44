"""A stand-in for MongoDB's repository and server."""
