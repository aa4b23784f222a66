"""Sign-up and sign-in with email and password."""
