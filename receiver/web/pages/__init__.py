"""The pages that a browser shows, one module each."""
