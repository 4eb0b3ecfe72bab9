"""The figures of Park (2022)."""

from nodescope.works.published_figures import PublishedFigure

FIGURES = (
    PublishedFigure("figure 1", "Training loss by initialisation", ("training-loss",)),
    PublishedFigure(
        "figure 2", "Weights and biases before and after training", ("weight-distributions", "weights-table")
    ),
    PublishedFigure(
        "figure 3",
        "Features before and after training, of training, validation and random inputs",
        ("layer-distributions",),
    ),
    PublishedFigure("figure 4", "Absorption and emission of gradients per channel", ("local-gradients",)),
)
