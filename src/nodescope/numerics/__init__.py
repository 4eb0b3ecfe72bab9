"""Numerical methods that know nothing of networks, studies or files."""
