"""Permissions granted to users, in a team or in the whole project."""
