"""What it runs on: processes and what the kernel knows of them, cores, a slow disk."""
