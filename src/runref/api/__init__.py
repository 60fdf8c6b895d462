"""The Python interface: opening runs, logging to them, and reading what was recorded."""
