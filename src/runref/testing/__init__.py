"""Contracts that an implementation of a remote can be held against."""
