"""Records and artifacts in one file, for moving them without a network."""
