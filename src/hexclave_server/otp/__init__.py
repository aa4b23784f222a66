"""Sign-in with a code or a link sent by email."""
