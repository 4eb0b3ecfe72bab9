"""How analyses are run: over the recorded layers of a configuration, or over its networks."""
