"""Data sets: read a source, draw the splits, write one prepared file that all later stages use."""

from nodescope.datasets.prepared import PreparedDataset, check, current_description, known_of, load, prepare
from nodescope.datasets.sources import files_digest

__all__ = ["PreparedDataset", "check", "current_description", "files_digest", "known_of", "load", "prepare"]
