"""Activation patterns: which nodes of a layer are on, packed into bits, counted exactly, compared between times."""
