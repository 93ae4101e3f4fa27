"""`/metrics`: counters and gauges in the formats of Prometheus."""
