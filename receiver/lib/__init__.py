"""Small mechanisms that know nothing of jobs."""
