"""What of a configuration the environment may say: variables from a file beside it, and how calls get out."""
