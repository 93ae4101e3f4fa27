"""Acts upon events: one handler a kind of sink, and the HTTP transport that they share."""
