"""The module inside wrappers of torch, and programs that have no modules to look into."""

from torch import nn

from nodescope.messages.errors import NetworkError

#: Attribute of the wrapped module, by the name of the wrapper's class: by name, since some are imported at a cost.
WRAPPERS = {
    "OptimizedModule": "_orig_mod",
    "DataParallel": "module",
    "DistributedDataParallel": "module",
    "AveragedModel": "module",
}


def unwrapped(network: nn.Module) -> nn.Module:
    """The network without ``torch.compile``, ``DataParallel``, ``DistributedDataParallel`` and ``AveragedModel`` around it.

    Raises
    ------
    NetworkError
        If it is no ``nn.Module``, or is a program of TorchScript or torch.export.
    """
    while type(network).__name__ in WRAPPERS and isinstance(network, nn.Module):
        network = getattr(network, WRAPPERS[type(network).__name__])
    kind = program_kind(network)
    if kind:
        raise NetworkError(
            f"The network is a {kind} program: it has no layers to look into. Hint: give the nn.Module it was made from"
        )
    if not isinstance(network, nn.Module):
        raise NetworkError(
            f"The network is of type {type(network).__name__}, not an nn.Module. Hint: give the network alone, e.g. pipeline.model"
        )
    return network


def program_kind(network: object) -> str | None:
    """``TorchScript`` or ``torch.export`` of a network that was compiled to a program; None of a module."""
    import torch

    if isinstance(network, torch.jit.ScriptModule | torch.jit.ScriptFunction):
        return "TorchScript"
    if isinstance(network, torch.export.ExportedProgram):
        return "torch.export"
    if isinstance(network, torch.fx.GraphModule) and any(
        isinstance(node.target, torch._ops.OpOverload) for node in network.graph.nodes
    ):
        return "torch.export"
    return None


def module_names(network: nn.Module) -> dict[nn.Module, str]:
    """The path of each module; of one that has several, the first. Wrappers within the network have no part in it."""
    names: dict[nn.Module, str] = {}

    def visit(module: nn.Module, path: str) -> None:
        if module in names:
            return
        names[module] = path
        inner = WRAPPERS.get(type(module).__name__)
        for name, child in module.named_children():
            visit(child, path if name == inner else f"{path}.{name}" if path else name)

    visit(network, "")
    return names
