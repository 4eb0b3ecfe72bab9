"""What the collected tables of a study say: comparisons, diagnosis, divergence."""
