"""Project configuration: levels of overrides, rendered into one tree."""
