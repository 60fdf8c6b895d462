"""What a run printed, and the running of commands whose output is recorded."""
