"""Studies as a whole: their configurations, axes, files and tables."""
