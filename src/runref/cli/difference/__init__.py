"""What `runref diff` shows: text, Markdown, patches and tables of differences."""
