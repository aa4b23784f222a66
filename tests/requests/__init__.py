"""What holds for every endpoint (contract 00)."""
