"""The measuring instrument: real processes on loopback, a cheap load, interleaved rounds, medians with ranges."""
