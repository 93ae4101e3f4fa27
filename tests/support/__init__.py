"""What several tests share: records to begin with, a world to run in."""
