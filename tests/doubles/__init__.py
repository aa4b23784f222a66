"""Small stand-ins for services of others, which tests script."""
