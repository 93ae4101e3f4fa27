"""What the operator is told: by events, and of what was refused or never came."""
