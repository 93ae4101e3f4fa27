"""What the tables are read and written with, whatever engine runs the SQL."""
