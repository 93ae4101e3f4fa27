"""A pretend platform's channel in the browser: its messages, with buttons that work. All platforms share it."""
