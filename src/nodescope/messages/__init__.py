"""What is said to users: the kinds of errors, and words that fit their number."""
