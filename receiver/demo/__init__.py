"""The demo: pretend vendors, gridhook and a sink, and the story they tell."""
