"""A pretend Vtrix."""
