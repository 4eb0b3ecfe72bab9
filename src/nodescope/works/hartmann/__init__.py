"""Hartmann, Franzen and Brodehl (2021): how activation patterns evolve in training."""

from nodescope.works.work import Work

WORK = Work(
    __name__,
    citation="Hartmann et al. 2021",
    title="Hartmann, Franzen and Brodehl, Studying the evolution of neural activation patterns during training of "
    "feed-forward ReLU networks, Frontiers in Artificial Intelligence 4:642374, 2021",
    datasets=("cifar10",),
    families=("resnet", "convnet", "toynet", "pyramidnet", "fixup_resnet"),
    networks="convolutional networks of the ReLU family",
    activations=("relu", "leaky_relu", "prelu"),
    tables=("pattern_evolution",),
)
