"""How sources and sinks do, as a page."""
