"""What became of each parameter over all tracked versions, from their sources alone."""
