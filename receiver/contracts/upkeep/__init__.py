"""What keeps a database small and safe: pruning and backups."""
