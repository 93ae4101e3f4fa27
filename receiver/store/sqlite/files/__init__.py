"""The files of a database: whose they are, whether they are still there, whole copies of them."""
