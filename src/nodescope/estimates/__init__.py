"""What a study takes, before anything runs, and what its jobs took."""
