"""Recording: what every node does for every sample, as Parquet; and reading it back.

One file per net, state, split and layer:

=================  ========  =====================================================================
sample             int32     index in the prepared data set
label              int32     class index
n0 ... n{J-1}      float32   pre-activation ``z`` of each node (after batch normalisation, if any)
=================  ========  =====================================================================

Rows are sorted by label, then by sample. The file of the layer ``output`` holds the logits in the same form.

The nodes of a convolution are its channels, which have a pre-activation at each of P positions. With ``positions: rows``
each position is a row: the column ``position`` (int32) follows the label, and a sample's rows stand together. With
``positions: summary`` a row is a sample, and there are four columns, which are read as they are needed. An entry is an array
of J values, one per node: ``pl.col("mean").arr.get(3)`` are those of node 3, and ``frame["mean"].to_numpy()`` is [N, J].

=========  ==========================  ========================================================
mean       array[float32, J]           mean of ``z`` over the positions
max        array[float32, J]           largest ``z`` over the positions
a          array[float32, J]           mean of ``T(z)`` over the positions, the sample's activation
on         array[uint8, 16 or 32, J]   number of positions with ``theta = 1``
=========  ==========================  ========================================================

Where samples differ in their positions (the tokens of a text), a summary has their number in the column ``positions``
(uint32), and rows are fewer. Tokens that have labels of their own are recorded as samples, with a column ``position``.

That is at most four values per sample and channel, whatever the number of positions. What a summary over the positions
of single samples cannot say, the spread of all values of the layer, stands in ``values-{l}.parquet``, see
`nodescope.recording.values`. What each analysis takes of a layer with positions is the same for both ways of recording
(`nodescope.analyses`).

Metadata (key ``nodescope``, JSON): see `LayerMetadata`.
"""

from nodescope.recording.parquet import LayerActivations, LayerMetadata, Summary, read, write

__all__ = ["LayerActivations", "LayerMetadata", "Summary", "read", "write"]
