"""HTTP to the outside: the engine that carries calls out, and what the sinks that call share."""
