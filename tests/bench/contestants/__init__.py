"""Who takes part: how each server is started, talked to, and asked what it kept."""
