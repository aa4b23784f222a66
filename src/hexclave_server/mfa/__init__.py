"""The second factor: codes of an authenticator app, and recovery codes (contract 02 §4)."""
