"""Words for readers, the same wherever networks are named."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nodescope.grid import Configuration


def describe(keys: dict[str, Any]) -> str:
    """A part of a frame in words: ``relu 4x200 with BN``."""
    parts = []
    if "activation" in keys:
        parts.append(str(keys["activation"]))
    if "depth" in keys and "width" in keys:
        parts.append(f"{keys['depth']}x{keys['width']}")
    elif "width" in keys:
        parts.append(f"width {keys['width']}")
    if "batch_norm" in keys:
        parts.append("with BN" if keys["batch_norm"] else "without BN")
    parts += [str(v) for k, v in keys.items() if k not in ("activation", "depth", "width", "batch_norm")]
    return " ".join(parts)


def label_of(configuration: "Configuration", configurations: list["Configuration"]) -> str:
    """A configuration's name for readers, with its family where a study has several."""
    several = len({other.model for other in configurations}) > 1
    return describe(dict(configuration.axes) | ({"model": configuration.model} if several else {}))
