"""An online showcase: how random signals pass through deep networks of random weights, forward and back."""

from nodescope.works.work import Work

WORK = Work(
    __name__,
    citation="Signal propagation",
    title="Distribution of activations and gradients in a deep network, an online showcase",
    datasets=("gaussian",),
    families=("mlp",),
    networks="fully connected networks",
)
