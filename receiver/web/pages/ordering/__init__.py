"""Ordering something new from a page, once."""
