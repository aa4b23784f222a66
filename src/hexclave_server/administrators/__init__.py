"""Administrators: members of the team that owns the internal project."""
