"""Recording: what every node does for every sample, as Parquet; and reading it back.

One file per net, state, split and layer:

=================  ========  =====================================================================
sample             int32     index in the prepared data set
label              int32     class index
n0 ... n{J-1}      float32   pre-activation ``z`` of each node (after batch normalisation, if any)
=================  ========  =====================================================================

Rows are sorted by label, then by sample. The file of the layer ``output`` holds the logits in the same form.
Metadata (key ``nodescope``, JSON): see `LayerMetadata`.
"""

from nodescope.recording.parquet import LayerActivations, LayerMetadata, read, write

__all__ = ["LayerActivations", "LayerMetadata", "read", "write"]
