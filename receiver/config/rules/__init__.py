"""The table `[[rules]]`: which events go where, what follows, and whether that ever ends."""
