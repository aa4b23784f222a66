"""The login of command lines: a terminal gets the session that a browser hands over (contract 02 §7)."""
