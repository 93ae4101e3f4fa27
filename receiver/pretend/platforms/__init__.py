"""Pretend chat platforms: each with its API, and its channel in the browser."""
