"""Data sets: read a source, draw the splits, write one prepared file that all later stages use.

`nodescope.datasets.preparing` writes it. What stands here reads it back and imports none of the readers of sources, so
that an edit of one of them trains nothing anew.
"""

from nodescope.datasets.prepared import PreparedDataset, load

__all__ = ["PreparedDataset", "load"]
