"""One module for each command: its declaration, and a function that does the work."""
