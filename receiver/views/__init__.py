"""What is shown: costs, records, a dry run."""
