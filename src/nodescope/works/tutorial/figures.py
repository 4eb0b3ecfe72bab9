"""What the tutorial shows; its figures have no numbers."""

from nodescope.works.published_figures import PublishedFigure

FIGURES = (
    PublishedFigure("statistics per layer", "Zeros, spread and shape of all values by layer", ("layer-statistics",)),
    PublishedFigure("diagnosis", "Diagnosis of each layer", ("diagnosis",)),
    PublishedFigure("remedies", "What helps, and by how much", ("remedies", "remedies-table")),
)
