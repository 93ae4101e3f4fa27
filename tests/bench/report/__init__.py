"""What comes out: one record of all figures, as tables and as a plot."""
