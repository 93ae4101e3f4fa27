"""A pretend JourneyAPI."""
