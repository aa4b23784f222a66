"""Users' accounts at providers, used in their names by applications."""
