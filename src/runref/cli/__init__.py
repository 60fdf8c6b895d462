"""The command line: the only part that prints, exits, or reads settings from the environment."""
