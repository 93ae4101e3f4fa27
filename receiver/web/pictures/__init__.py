"""`/pictures`: our copies of pictures, and what only the vendors have."""
