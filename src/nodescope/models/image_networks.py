"""Networks for images by the name of their architecture."""

from torch import nn

from nodescope.models.convolutional import (
    ImageShape,
    SmallConvolutionalNetwork,
    pre_activation_network,
    pyramid_network,
)
from nodescope.models.fixup import FixUpNetwork
from nodescope.models.torchvision_resnet import TorchvisionResNet


def build_image_network(
    model: str,
    *,
    input_shape: ImageShape,
    n_classes: int,
    depth: int,
    width: int,
    activation: str,
    batch_norm: bool,
) -> nn.Module:
    """A network of `nodescope.architectures.ARCHITECTURES` for images; its weights are yet to be drawn.

    Parameters
    ----------
    model
        Name of the architecture; any but ``mlp``.
    input_shape
        (channel, row, column) of a sample.
    depth, width, batch_norm
        As the architecture allows, see `nodescope.architectures.Architecture`.

    Returns
    -------
    Module
        Takes samples [B, C, H, W] or flat [B, C*H*W], gives logits [B, n_classes]. Draw its weights with
        `nodescope.models.initialisation.initialise` or read them with `nodescope.models.weights.load_weights`.
    """
    match model:
        case "cnn":
            return SmallConvolutionalNetwork(input_shape, n_classes, width, activation, batch_norm=batch_norm)
        case "resnet" | "convnet" | "toynet":
            return pre_activation_network(
                input_shape,
                n_classes,
                depth,
                width,
                activation,
                batch_norm=batch_norm,
                shortcut=model == "resnet",
                widening=1 if model == "toynet" else 2,
            )
        case "pyramidnet":
            return pyramid_network(input_shape, n_classes, depth, width, activation, batch_norm=batch_norm)
        case "fixup_resnet":
            return FixUpNetwork(input_shape, n_classes, depth, width, activation)
        case "torchvision_resnet":
            return TorchvisionResNet(input_shape, n_classes, depth, width, activation, batch_norm=batch_norm)
        case _:
            raise ValueError(f"no network for images is called {model!r}")
