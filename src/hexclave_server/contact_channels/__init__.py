"""Contact channels (email addresses) of users."""
