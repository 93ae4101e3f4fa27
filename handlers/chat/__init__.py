"""What all chat platforms share: what a message says, its buttons, and who pressed them."""
