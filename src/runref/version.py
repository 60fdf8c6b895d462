"""The version of this program, which every record names."""

__version__ = "0.1.0"
