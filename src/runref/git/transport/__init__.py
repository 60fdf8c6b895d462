"""Moving refs and their objects between repositories, by the git binary or by dulwich."""
