"""Who looks at a page, and how they sign in and out."""
