"""What `init` writes and prints: sections that work, secrets, the manifest of a Slack app."""
