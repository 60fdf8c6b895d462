"""The derived side: a disposable SQLite cache over the runs ref."""
