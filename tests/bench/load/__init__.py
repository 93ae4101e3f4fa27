"""What the contestants are sent: the webhooks, the generators that send them, and the far end where messages arrive."""
