"""The process itself: its output, its streams, who supervises it, what it loads."""
