"""Pictures on terminals that can show them."""
