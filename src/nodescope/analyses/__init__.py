"""Analyses: one module per quantity, each measuring one recorded layer at a time (or, see `networks`, one network).

A module ``nodescope.analyses.NAME`` has

- a docstring: the question, the formula with its source, what it needs, what it gives, what it costs;
- ``COLUMNS``: the columns that its table has after the key columns, with their types;
- ``measure(layer, options)``: a frame with those columns, less ``state`` and ``layer``.

Its options are the section ``NAME`` of `nodescope.config.schema.Analyses`; that section is what registers it.
"""

from nodescope.analyses.runner import analyse_configuration

__all__ = ["analyse_configuration"]
