"""A pretend APIMart."""
