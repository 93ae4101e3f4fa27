"""Keeps requests, events, jobs, deliveries and attempts; one engine a module."""
