"""Retention: takes away, bit by bit, what is older than the configuration keeps it."""
