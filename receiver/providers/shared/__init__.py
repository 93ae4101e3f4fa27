"""What several vendors' dialects share."""
