"""Keeps requests, events, jobs, deliveries and attempts; one folder an engine."""
