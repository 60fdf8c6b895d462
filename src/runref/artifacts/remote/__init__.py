"""Artifacts on remotes: content by digest wherever fsspec reaches."""
