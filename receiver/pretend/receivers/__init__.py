"""The other end: what takes the webhooks and the events."""
