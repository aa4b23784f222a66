"""Passkeys (WebAuthn credentials): registered and signed in with (contract 02 §5)."""
