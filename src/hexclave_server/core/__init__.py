"""What every feature stands on; knows nothing of users or teams."""
