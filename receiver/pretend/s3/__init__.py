"""A pretend S3: a bucket in memory, as strict about signatures as the real one, that a browser can look into."""
