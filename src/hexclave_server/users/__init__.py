"""Users of a project: the object, its rules, and its endpoints."""
