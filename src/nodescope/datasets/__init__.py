"""Data sets: read a source, draw the splits, write one prepared file that all later stages use."""

from nodescope.datasets.prepared import PreparedDataset, check, load, prepare

__all__ = ["PreparedDataset", "check", "load", "prepare"]
