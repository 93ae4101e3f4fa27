"""The files that a configuration consists of: TOML, and presets named in it."""
