"""Whether it works: what must be reached is asked, and a sink gets a sample."""
