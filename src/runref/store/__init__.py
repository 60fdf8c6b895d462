"""The runs ref: one git ref that holds every record, written by compare-and-swap."""
