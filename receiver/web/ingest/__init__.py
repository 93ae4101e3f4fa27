"""The intake of webhooks below /in/."""
