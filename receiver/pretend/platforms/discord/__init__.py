"""A pretend Discord: its HTTP API, interactions, and a channel in the browser."""
