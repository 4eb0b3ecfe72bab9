"""Analyses: one module per quantity, each measuring one recorded layer at a time (or, see `networks`, one network).

A module ``nodescope.analyses.NAME`` has

- a docstring: the question, the formula with its source, what it needs, what it gives, what it costs;
- ``COLUMNS``: the columns that its table has after the key columns, with their types;
- ``measure(layer, options)``: a frame with those columns, less ``state`` and ``layer``.

The nodes of a convolution are its channels, which act at many positions. What is on, off or dead is decided at every
position of every sample, never by their mean; a sample's activation of a channel is the mean over positions of ``T(z)``:

======================================  =============================================================================
analyses                                take of a layer with positions
======================================  =============================================================================
dead_nodes, activity, sparsity          all positions of all samples
statistics, layer_distributions         all values at all positions
medians                                 a sample's activation: the mean over positions of ``T(z)``
layer_accuracy                          the same; a node is on for a sample where it is on at any of its positions
distributions, node_histograms          kind ``pre``: the mean of ``z``, kind ``post``: the mean of ``T(z)``; per sample
densities                               the mean of ``z``, per sample
patterns                                the pattern at each position; null where positions are recorded as a summary
======================================  =============================================================================

Its options are the section ``NAME`` of `nodescope.config.analyses.Analyses`; that section is what registers it.
"""

from nodescope.measuring.runner import analyse_configuration

__all__ = ["analyse_configuration"]
