"""What goes on beside the server: dispatching, asking vendors, pruning."""
