"""Plays any vendor that a preset describes: its orders, its answers, its webhooks and what proves them."""
