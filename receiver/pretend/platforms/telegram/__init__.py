"""A pretend Telegram: its Bot API, and a chat in the browser."""
