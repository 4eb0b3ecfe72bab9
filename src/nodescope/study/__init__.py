"""Studies as a whole: their results beside those of another run."""
