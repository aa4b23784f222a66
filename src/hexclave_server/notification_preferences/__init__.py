"""Which categories of email a user wants (contract 05 §4), and the link by which he unsubscribes from one (contract 08 §4)."""
