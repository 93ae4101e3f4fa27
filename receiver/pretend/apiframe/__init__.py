"""A pretend Apiframe."""
