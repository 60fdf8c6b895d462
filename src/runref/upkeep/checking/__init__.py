"""Holding every claim of a history against what is stored; one module for each kind of claim."""
