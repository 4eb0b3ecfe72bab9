"""Networks of the user's own: built by a function, filled from checkpoints."""
