"""Frozen values and pure functions: what a run is, however it is stored or shown."""
