"""One-time codes: the one mechanism behind second factors, links and invitations (contract 02 §1.4)."""
