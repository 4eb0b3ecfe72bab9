"""What networks are trained to make small, of logits [N, C] and classes [N]; N sample, C class.

``cross_entropy``
    Minus the logarithm of the softmax probability of a sample's class, in nats; PyTorch's ``nn.CrossEntropyLoss``.
``mean_squared_error``
    The squared differences between a sample's logits (no softmax) and its one-hot target (1 for its class, 0 for the
    others), averaged over the classes. Averaged over samples too, it is PyTorch's ``nn.MSELoss()`` of [N, C]: what the
    tutorial on Iris trains with (methods, section 5). Hui & Belkin (2021, arXiv:2006.07322) compare the two losses.

A network's loss is the mean over its samples. Sums are what is computed here, so that parts and replicas add up.
"""

import torch
from torch.nn import functional

Tensor = torch.Tensor


def summed_cross_entropy(logits_NC: Tensor, y_N: Tensor) -> Tensor:
    """Cross-entropy, summed over the samples."""
    return functional.cross_entropy(logits_NC, y_N, reduction="sum")


def summed_squared_error(logits_NC: Tensor, y_N: Tensor) -> Tensor:
    """Mean squared error over the classes, summed over the samples."""
    one_hot_NC = torch.zeros_like(logits_NC).scatter_(1, y_N[:, None], 1.0)
    return functional.mse_loss(logits_NC, one_hot_NC, reduction="sum") / logits_NC.shape[1]


#: By their names in the configuration: what of logits [N, C] and classes [N] is summed over the samples.
SUMMED_LOSSES = {"cross_entropy": summed_cross_entropy, "mean_squared_error": summed_squared_error}
