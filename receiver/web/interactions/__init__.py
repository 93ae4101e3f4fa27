"""Presses of buttons that chat platforms post."""
