"""The live side: the spool, the handle that logs, and how an ended run becomes a record."""
