"""Takes in what image providers say, keeps it, and sees it through."""
