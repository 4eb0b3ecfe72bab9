"""Pretorius (2020): medians, activity, dead nodes and sparsity of fully connected networks; layers as classifiers."""

from nodescope.works.work import Work

WORK = Work(
    __name__,
    citation="Pretorius 2020",
    title="Pretorius, Activation functions in deep neural networks, MEng dissertation, North-West University, 2020",
    datasets=("mnist", "fmnist", "cifar10"),
    families=("mlp",),
    networks="fully connected networks",
    tables=("accuracy", "learning_curves", "medians", "activity", "dead_nodes", "sparsity", "layer_accuracy"),
    related=("Davel, Theunissen, Pretorius and Barnard, DNNs as layers of cooperating classifiers, AAAI 2020",),
)
