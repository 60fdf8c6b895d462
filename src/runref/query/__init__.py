"""The query language: from text to a typed condition, and whether a run meets it. All pure."""
