"""Sinks on this machine: a file, a program."""
