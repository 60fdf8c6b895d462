"""From what a user asks `runref plot` for to the data of a figure."""
