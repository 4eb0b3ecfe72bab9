"""The report: one HTML page with all figures and tables, which opens without a network."""

from nodescope.report.page import build

__all__ = ["build"]
