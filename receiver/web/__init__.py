"""The HTTP face: intake, API, pages."""
