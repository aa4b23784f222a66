"""Outside services, each behind a small interface."""
