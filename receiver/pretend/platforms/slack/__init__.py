"""A pretend Slack: one workspace with one channel, as strict as the real one is documented to be."""
