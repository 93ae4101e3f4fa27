"""A pretend midjourney-proxy, in both flavours."""
