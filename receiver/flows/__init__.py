"""What happens, each within one transaction."""
