"""Park (2022): weights, features and gradients of convolutional networks by initialisation."""

from nodescope.works.work import Work

WORK = Work(
    __name__,
    citation="Park 2022",
    title="Park, Distributions in deep neural networks, KAIST, 2022",
    datasets=("cifar10",),
    families=("cnn", "resnet", "convnet", "toynet", "pyramidnet", "fixup_resnet", "torchvision_resnet"),
    networks="convolutional networks",
    tables=("accuracy", "learning_curves", "weights", "statistics", "local_gradients"),
)
