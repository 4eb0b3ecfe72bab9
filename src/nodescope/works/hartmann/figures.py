"""The figures of Hartmann, Franzen and Brodehl (2021)."""

from nodescope.works.published_figures import PublishedFigure

FIGURES = (
    PublishedFigure("figure 1", "Patterns of each layer in the first steps", ("pattern-evolution-early",)),
    PublishedFigure("figure 2", "Entropy of the patterns of each layer at chosen times", ("pattern-evolution-curves",)),
    PublishedFigure("figure 3", "Patterns of each layer through training", ("pattern-evolution-full",)),
    PublishedFigure("relative entropy", "Entropy of activation patterns by layer", ("patterns",)),
)
