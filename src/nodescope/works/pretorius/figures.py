"""The figures and tables of Pretorius (2020)."""

from nodescope.works.published_figures import PublishedFigure

FIGURES = (
    PublishedFigure("figure 1.1", "Shapes of the activation functions", ("activation-functions",)),
    PublishedFigure("figure 1.3", "Validation accuracy for each candidate learning rate", ("learning-rates",)),
    PublishedFigure("figure 3.1", "Learning curves of one net", ("learning-curves",)),
    PublishedFigure(
        "figures 3.2, 3.3, 3.5, 3.6, 3.8, 3.9",
        "Accuracy during training, by depth and batch normalisation",
        ("accuracy-curves*",),
        standard_errors=True,
    ),
    PublishedFigure(
        "figures 3.4, 3.7, 3.10", "Test accuracy of each configuration", ("test-accuracy",), standard_errors=True
    ),
    PublishedFigure(
        "section 4.1", "Accuracy of the networks of four layers", ("accuracy-table",), standard_errors=True
    ),
    PublishedFigure(
        "figures 4.1, 4.2, 4.6, 4.7", "Class-conditional distributions at single nodes", ("distributions",)
    ),
    PublishedFigure(
        "figures 4.3-4.5, 4.8-4.11, A.1, A.2", "Median activation of each class at every node", ("medians",)
    ),
    PublishedFigure("figures 5.1-5.5", "Node activity by class", ("activity",)),
    PublishedFigure("figures 5.6-5.9", "Activity heatmap, dead nodes in red", ("activity-heatmap",)),
    PublishedFigure("table 5.1", "Share of dead nodes", ("dead-nodes-table", "dead-nodes"), standard_errors=True),
    PublishedFigure("table 5.2", "Sparsity of each layer", ("sparsity-table", "sparsity"), standard_errors=True),
    PublishedFigure("figure 6.1", "Kernel density estimate of a class at a node", ("kernel-densities",)),
    PublishedFigure("figures 6.2-6.5, A.3-A.6", "Layers as classifiers", ("layer-accuracy*",)),
    PublishedFigure("figures 6.6, 6.7", "Layers as classifiers during training", ("learning-process",)),
)
