"""Hexclave: authentication and user management in one process."""
