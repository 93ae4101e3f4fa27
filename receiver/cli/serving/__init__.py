"""What `serve` does beside serving: it heeds signals, and reads its configuration again."""
