"""Teams and memberships."""
