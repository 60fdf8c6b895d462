"""Moving artifacts between the local store and remotes."""
