"""Keeping a history honest and small: checking it, mending it, and what may go."""
