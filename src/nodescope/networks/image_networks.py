"""Networks for images by the name of their architecture."""

from nodescope.networks.convolutional import (
    ImageNetwork,
    SmallConvolutionalNetwork,
    pre_activation_network,
    pyramid_network,
)
from nodescope.networks.fixup import FixUpNetwork
from nodescope.networks.shape import NetworkShape
from nodescope.networks.torchvision_resnet import TorchvisionResNet


def build_image_network(shape: NetworkShape) -> ImageNetwork:
    """A network for images; it takes samples [B, C, H, W] or flat [B, C*H*W] and gives logits.

    What `nodescope.families.architectures.Architecture` says of depth, samples and normalisation is taken as given.
    """
    match shape.model:
        case "cnn":
            return SmallConvolutionalNetwork(shape)
        case "resnet":
            return pre_activation_network(shape, shortcut=True, widening=2)
        case "convnet":
            return pre_activation_network(shape, shortcut=False, widening=2)
        case "toynet":
            return pre_activation_network(shape, shortcut=False, widening=1)
        case "pyramidnet":
            return pyramid_network(shape)
        case "fixup_resnet":
            return FixUpNetwork(shape)
        case "torchvision_resnet":
            return TorchvisionResNet(shape)
        case other:
            raise ValueError(f"no network for images is called {other!r}")
