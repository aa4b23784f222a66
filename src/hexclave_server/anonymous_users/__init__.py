"""Users without an address: visitors who may sign up later and stay who they are."""
