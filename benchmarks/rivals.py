"""Tools that others wrote: where they are installed, and what they make of EfficientNet-Lite0.

They lie in a folder of their own (`benchmarks/rivals.lock`, without what they share with nodescope's environment), so that
they change nothing in it. Each tool keeps what its documentation advises for a number per image and channel, and gives the
means of the outputs of one layer, whose module is called once, which are compared with nodescope's.
"""

import sys
from collections.abc import Callable
from importlib.machinery import ModuleSpec
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

FOLDER = Path(__file__).resolve().parents[1] / "build" / "rivals"

#: What thingsvision imports and does not need here. It wants tensorflow < 2.16, torchvision 0.15.2 and NumPy 1, so that it
#: cannot be installed as it should be beside this PyTorch.
STAND_INS = ("tensorflow", "tensorflow.keras", "tensorflow.keras.applications", "tensorflow.keras.layers", "timm", "timm.models",
             "torchtyping")  # fmt: skip

#: The module whose means are compared, and its place among the calls.
COMPARED, PLACE = "_blocks.0._swish", 1

#: Gives the calls that were recorded, and the means [N, J] of the layer that is compared.
Tool = Callable[[Any, Any, int, Path], tuple[int, Any]]


def find() -> None:
    """Let the tools be imported; what nodescope's environment has comes first."""
    if str(FOLDER) not in sys.path:
        sys.path.append(str(FOLDER))


def by_hooks(network: Any, x: Any, batch: int, folder: Path) -> tuple[int, Any]:
    """Hooks on the modules, kept by name and written to one file: of a module that is called twice, the last call."""
    import numpy as np
    import torch

    seen: dict[str, Any] = {}

    def see(name: str) -> Any:
        def hook(module: Any, inputs: Any, output: Any) -> None:
            seen[name] = torch.stack([output.mean((2, 3)), output.amax((2, 3))])

        return hook

    modules = _activations(network)
    handles = [module.register_forward_hook(see(name)) for name, module in modules.items()]
    kept: dict[str, list[Any]] = {}
    with torch.inference_mode():
        for part in x.split(batch):
            network(part)
            for name, values in seen.items():
                kept.setdefault(name, []).append(values.numpy())
    for handle in handles:
        handle.remove()
    found = {name: np.concatenate(parts, 1) for name, parts in kept.items()}
    np.savez(folder / "all.npz", **found)
    return len(found), found[COMPARED][0]


def by_torchlens(network: Any, x: Any, batch: int, folder: Path) -> tuple[int, Any]:
    """``extract_dataset`` with ``pool="spatial_mean"``: every call, in shards."""
    import torch
    import torchlens

    with torch.no_grad():
        calls = [label for label in torchlens.trace(network, x[:2]).layer_labels if label.startswith("hardtanh")]
        torchlens.extract_dataset(network, x, calls, batch, output_dir=folder, pool="spatial_mean", progress=False)
    found = torchlens.load_extraction(folder).activations
    return len(found), found[calls[PLACE]].numpy()


def by_thingsvision(network: Any, x: Any, batch: int, folder: Path) -> tuple[int, Any]:
    """``extract_features`` of all modules at once; it keeps whole maps, whose means are taken at the end."""
    import numpy as np

    vars(np)["AxisError"] = np.exceptions.AxisError  # which NumPy 1 calls so
    for name in STAND_INS:
        stand_in: Any = MagicMock(name=name)
        stand_in.__path__, stand_in.__spec__ = [], ModuleSpec(name, None)
        sys.modules.setdefault(name, stand_in)
    from thingsvision.core.extraction.helpers import get_extractor_from_model

    names = list(_activations(network))
    extractor: Any = get_extractor_from_model(model=network, device="cpu", backend="pt")
    features = extractor.extract_features(batches=x.split(batch), module_names=names, flatten_acts=False)
    found = {name: values.mean((2, 3)) for name, values in features.items()}
    np.savez(folder / "all.npz", **found)
    return len(found), found[COMPARED]


def by_captum(network: Any, x: Any, batch: int, folder: Path) -> tuple[int, Any]:
    """``LayerActivation`` of all modules by captum's own ``generate_dataset_activations``: whole maps, a file for each batch."""
    import torch
    from captum._utils.av import AV
    from torch.utils.data import DataLoader, TensorDataset

    names = list(_activations(network))
    loader = DataLoader(TensorDataset(x, torch.zeros(len(x))), batch)
    AV.generate_dataset_activations(str(folder), network, "lite0", names, loader, "images")
    maps = AV.load(str(folder), "lite0", "images", COMPARED)
    return len(names), torch.cat(
        [maps[i].mean((-1, -2)).reshape(-1, maps[i].shape[-3]) for i in range(len(maps))]
    ).numpy()


def by_nnsight(network: Any, x: Any, batch: int, folder: Path) -> tuple[int, Any]:
    """A trace for each batch, in which means and largest values are taken: of a module that is called twice, the first call."""
    import numpy as np
    import torch
    from nnsight import NNsight

    # In the order of computation, in which alone it takes them: the stem's module is the first to be called.
    names = sorted(_activations(network), key=lambda name: name != "_swish")
    traced = NNsight(network)
    kept: dict[str, list[Any]] = {name: [] for name in names}
    with torch.inference_mode():
        for part in x.split(batch):
            with traced.trace(part):
                saved = {}.save()
                for name in names:
                    output = traced.get(name).output
                    saved[name] = torch.stack([output.mean((2, 3)), output.amax((2, 3))])
            for name in names:
                kept[name].append(saved[name].numpy())
    found = {name: np.concatenate(parts, 1) for name, parts in kept.items()}
    np.savez(folder / "all.npz", **found)
    return len(found), found[COMPARED][0]


#: By name: the tool, and the package that it is.
TOOLS: dict[str, tuple[Tool, str]] = {
    "hooks": (by_hooks, "hooks by hand, one per module"),
    "torchlens": (by_torchlens, "torchlens 2.36.1, extract_dataset"),
    "thingsvision": (by_thingsvision, "thingsvision 2.7.3, extract_features"),
    "captum": (by_captum, "captum 0.9.0, LayerActivation of a data set"),
    "nnsight": (by_nnsight, "nnsight 0.8.1, a trace per batch"),
}


def _activations(network: Any) -> dict[str, Any]:
    """The modules of activation functions, by name."""
    from torch import nn

    return {name: module for name, module in network.named_modules() if isinstance(module, nn.ReLU6)}
