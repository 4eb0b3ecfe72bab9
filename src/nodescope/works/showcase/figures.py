"""What the showcase shows; its figures have no numbers."""

from nodescope.works.published_figures import PublishedFigure

FIGURES = (
    PublishedFigure("range of activations", "Range of the activations by layer", ("activation-range",)),
    PublishedFigure("range of gradients", "Range of the gradients by layer", ("gradient-range", "gradient-flow")),
    PublishedFigure("histogram of activations", "Distributions of all layers in one surface", ("layer-surface",)),
)
