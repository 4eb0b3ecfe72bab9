"""What every job does around its work: log, signals, devices; and what is said of jobs while they run."""
