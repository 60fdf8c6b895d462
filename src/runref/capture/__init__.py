"""What a run was: its code, environment, parameters, variables, seeds and console output."""
