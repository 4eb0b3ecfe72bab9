"""How are all values of a layer distributed?

Formula: histograms of all pre-activations (kind ``pre``) or activations (kind ``post``) of a layer over its nodes and
a split's samples, over equal bins from the smallest to the largest value (methods, sections 3 to 5), of which the first
and the last are wider where few values lie far out (`nodescope.numerics.binning`). Of single nodes and classes
`nodescope.analyses.distributions` gives the same. In a layer with positions the values at all of them count; where a
summary over the positions is recorded, the inner edges of the bins lie within a thousandth of their value beside those of
equal bins (`nodescope.recording.values`), and the counts are exact.
Needs: the activations of a layer. Gives: one row per split, kind and bin; bins and count are null where the split has
no sample or the net diverged. Cost: a few passes over the values while they are in a core's cache.
"""

from typing import TYPE_CHECKING, Any

from pydantic import Field

from nodescope.analyses import Analysis, Parts
from nodescope.config.analysis_fields import Bins, LayerOptions
from nodescope.numerics.activation_functions import Kind
from nodescope.numerics.binning import LOOKED_AT, binning
from nodescope.numerics.moments import NO_HISTOGRAM, histogram
from nodescope.storage.columns import HISTOGRAM, KIND

if TYPE_CHECKING:
    from nodescope.measuring.layers import RecordedLayer
    from nodescope.recording import LayerActivations


class LayerDistributions(LayerOptions):
    """Histograms of all values of a layer."""

    bins: Bins = Field(60, description="bins of each histogram")


def measure(layer: "RecordedLayer", options: LayerDistributions) -> Parts:
    """Columns split, kind, bin_left, bin_right, count."""
    for split in options.splits:
        activations = layer.read(split)
        z = activations.each()
        for kind in activations.metadata.kinds:
            each = activations.each(kind)
            found = (
                _of_summary(activations, kind, options.bins)
                if each is None
                else histogram(each, options.bins, z if kind == "post" else None)
            )
            yield {"split": split, "kind": kind, **found}


def _of_summary(activations: "LayerActivations", kind: Kind, bins: int) -> dict[str, Any]:
    """As `nodescope.numerics.moments.histogram`; the bins are found from values at evenly spaced ranks."""
    values = activations.values[kind]
    if not len(values.ends()):
        return NO_HISTOGRAM
    inputs = activations.values["pre"]
    if kind == "post" and len(inputs.ends()) and not activations.metadata.has_parameters_per_node:
        z = inputs.at_ranks(LOOKED_AT)
        a = activations.metadata.activate(z)
        a[a.argmin()], a[a.argmax()] = values.ends()
        found = binning(a, bins, z)
    else:
        found = binning(values.at_ranks(LOOKED_AT), bins)
    if found is None:
        return NO_HISTOGRAM
    edges, count = values.histogram(found.edges(bins))
    return {"bin_left": edges[:-1], "bin_right": edges[1:], "count": count}


ANALYSIS = Analysis(
    title="distributions of whole layers",
    job="nodes",
    order=70,
    options=LayerDistributions,
    columns=(KIND, *HISTOGRAM),
    measure=measure,
)
