"""A user's repository: found, configured, and its stores wired together."""
