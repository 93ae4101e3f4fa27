"""Moving all that a database holds into another one, of whatever engine."""
