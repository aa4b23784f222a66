"""Links between users and accounts at providers."""
