"""The links between users and their accounts at OAuth providers."""
