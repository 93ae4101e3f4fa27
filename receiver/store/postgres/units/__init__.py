"""Units of work: what several works read is fetched together, and what they write goes in one round trip."""
