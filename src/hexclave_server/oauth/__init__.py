"""OAuth: our token endpoint, and accounts at outside providers."""
