"""Switching off every node of a network: by rank-one changes, by a whole forward pass for each node, and by captum."""

from typing import Any

import numpy as np
import rivals
from measure import NOT_MEASURED, Row, side

#: Ablated copies of the samples that captum runs at once: with 1,000 samples of a 2x200 net 10 took 6.1 CPU s, 1 and 4 took 6.7.
AT_ONCE = 10


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


def by_captum(depth: int, width: int, samples: int) -> Any:
    """``LayerFeatureAblation`` of each hidden layer with the loss of each sample as the function: the loss alone."""
    import torch
    from torch.nn import functional

    rivals.find()
    try:
        from captum.attr import LayerFeatureAblation
    except ModuleNotFoundError:
        return lambda: None, lambda found: None
    network, x, y = made_network(depth, width, samples)

    def losses(x: Any, y: Any) -> Any:
        return functional.cross_entropy(network(x), y, reduction="none")

    def run() -> Any:
        changes = []
        with torch.no_grad():
            for layer in network.hidden:
                kept: list[Any] = []
                handle = layer.activation.register_forward_hook(
                    lambda module, inputs, a, kept=kept: kept.append(a.mean(0, keepdim=True))
                )
                network(x)
                handle.remove()
                ablation = LayerFeatureAblation(losses, layer.activation)
                for values in (torch.zeros(1, width), kept[0]):
                    found: Any = ablation.attribute(
                        x, values, additional_forward_args=y, perturbations_per_eval=AT_ONCE
                    )
                    changes.append(-found.mean(0))
        return torch.cat(changes).numpy()

    return run, lambda found: found


def compare_ablation(depth: int, width: int, samples: int) -> list[Row]:
    """Every node set to zero and to its mean, against a forward pass for each node and against captum."""
    ours = side(by_product, depth, width, samples, repeat=2)
    is_stated = (depth, width) == (4, 200)
    in_time = not is_stated or ours.seconds * 10_000 / samples < 20
    what = f"ablation of all nodes of {depth}x{width}, zero and mean, {samples:,} samples"
    passes = side(by_forward_passes, depth, width, samples, repeat=1)
    captum = side(by_captum, depth, width, samples, repeat=1)
    rows = [
        Row(f"ablation-{depth}x{width}", what, "a forward pass for each node, with a hook",
            "10,000 samples < 20 s" if is_stated else "", ours, passes, in_time if is_stated else None,
            f"{_agreement(ours.result, passes.result)}; ours also gives the effects on classes")
    ]  # fmt: skip
    name, rival = f"ablation-captum-{depth}x{width}", "captum 0.9.0, LayerFeatureAblation"
    if captum.result is None:
        missing = "not measured: no captum; `make rivals` installs it"
        return [*rows, Row(name, what, rival, ">= 20x", ours, NOT_MEASURED, None, missing)]
    about = _agreement(ours.result, captum.result)
    return [*rows, Row(name, what, rival, ">= 20x", ours, captum, captum.seconds / ours.seconds >= 20, about)]


def _agreement(mine: Any, theirs: Any) -> str:
    """How far two results are apart, which is little."""
    difference = float(np.abs(mine - theirs).max())
    assert difference < 1e-4, difference
    return f"largest difference {difference:.1g} nats"
