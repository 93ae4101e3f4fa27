"""Connections of the HTTP server: requests are read whole, within bounds, and answered one after the other."""
