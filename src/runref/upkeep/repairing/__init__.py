"""Bringing back what is missing or damaged from where it is whole; nothing is ever deleted."""
