"""A tutorial on Iris: activations layer by layer, what ails them, and what helps."""

from nodescope.works.work import Work

WORK = Work(
    __name__,
    citation="Iris tutorial",
    title="Activation distribution, a tutorial on Iris, 2022",
    datasets=("iris",),
    families=("mlp",),
    networks="fully connected networks",
)
