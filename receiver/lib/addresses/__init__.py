"""Addresses: what stands in paths, and where foreign ones may lead."""
