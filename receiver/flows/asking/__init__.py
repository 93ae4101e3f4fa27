"""Asking a person: questions that wait for an answer, and the buttons that give it."""
