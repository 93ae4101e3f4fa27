"""Pretend vendors on loopback: they draw pictures, count what they bill, and misbehave when told to."""
