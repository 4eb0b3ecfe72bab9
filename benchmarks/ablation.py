"""Switching off every node of a network: by rank-one changes, and by a whole forward pass for each node."""

from typing import Any

import numpy as np
from measure import Row, side


def made_network(depth: int, width: int, samples: int) -> tuple[Any, Any, Any]:
    """A ReLU network of MNIST's size as it is drawn; inputs and labels."""
    import torch

    from nodescope.families.shape import NetworkShape
    from nodescope.networks.building import build_network

    torch.set_num_threads(1)
    torch.manual_seed(0)
    shape = NetworkShape(
        "mlp", (1, 28, 28), 10, depth, width, "relu", batch_norm=False, initialisation="kaiming_normal"
    )
    network = build_network(shape).eval()
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=(2 / parameter.shape[-1]) ** 0.5)
    return network, torch.rand(samples, 784), torch.randint(10, (samples,))


def by_product(depth: int, width: int, samples: int) -> Any:
    """The analysis, both kinds, effects on classes included."""
    from nodescope.analyses.ablation import Ablation
    from nodescope.measuring.networks import MeasuredNetwork
    from nodescope.measuring.runner import all_tables

    network, x, y = made_network(depth, width, samples)
    measured = MeasuredNetwork(network, x, y, "cross_entropy")
    options = Ablation(test_samples=samples, method="exact", orders=0)
    return lambda: all_tables("ablation", measured, options)["ablation"], lambda found: np.asarray(found["loss_change"])


def by_forward_passes(depth: int, width: int, samples: int) -> Any:
    """A hook that sets a node to its value, and a forward pass of all samples, for every node and kind: the loss alone."""
    import torch
    from torch.nn import functional

    network, x, y = made_network(depth, width, samples)

    def run() -> Any:
        changes = []
        with torch.no_grad():
            before = functional.cross_entropy(network(x), y).item()
            for layer in network.hidden:
                kept: list[Any] = []
                handle = layer.activation.register_forward_hook(
                    lambda module, inputs, a, kept=kept: kept.append(a.mean(0))
                )
                network(x)
                handle.remove()
                for values in (torch.zeros(width), kept[0]):
                    for node in range(width):

                        def replace(module: Any, inputs: Any, a: Any, node: int = node, values: Any = values) -> None:
                            a[:, node] = values[node]

                        handle = layer.activation.register_forward_hook(replace)
                        changes.append(functional.cross_entropy(network(x), y).item() - before)
                        handle.remove()
        return np.array(changes)

    return run, lambda found: found


def compare_ablation(depth: int, width: int, samples: int) -> Row:
    """Every node set to zero and to its mean."""
    ours = side(by_product, depth, width, samples, repeat=2)
    theirs = side(by_forward_passes, depth, width, samples, repeat=1)
    difference = float(np.abs(ours.result - theirs.result).max())
    assert difference < 1e-4, difference
    in_time = ours.seconds * 10_000 / samples < 20 if (depth, width) == (4, 200) else True
    return Row(
        f"ablation-{depth}x{width}",
        f"ablation of all nodes of {depth}x{width}, zero and mean, {samples:,} samples",
        "a forward pass for each node, with a hook",
        ">= 20x" + ("; 10,000 samples < 20 s" if (depth, width) == (4, 200) else ""),
        ours,
        theirs,
        theirs.seconds / ours.seconds >= 20 and in_time,
        f"largest difference {difference:.1g} nats; ours also gives the effects on classes",
    )
