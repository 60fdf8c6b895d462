"""Moving the history between repositories, through git."""
