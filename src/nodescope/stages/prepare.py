"""Prepare a data set: read it (downloading it if need be), draw its splits, and write it as one file."""

from nodescope.datasets.preparing import prepare

__all__ = ["prepare"]
