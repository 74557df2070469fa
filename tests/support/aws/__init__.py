"""A local AWS server for tests, stand-ins for Pulumi's provider plugins on PATH, and a list of what is left."""
