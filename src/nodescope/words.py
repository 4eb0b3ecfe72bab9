"""Words for readers, the same wherever networks are named."""

from typing import Any


def describe(keys: dict[str, Any]) -> str:
    """A part of a frame in words: ``relu 4x200 with BN``."""
    parts = []
    if "activation" in keys:
        parts.append(str(keys["activation"]))
    if "depth" in keys and "width" in keys:
        parts.append(f"{keys['depth']}x{keys['width']}")
    else:
        parts += [f"{axis} {keys[axis]}" for axis in ("depth", "width") if axis in keys]
    if "batch_norm" in keys:
        parts.append("with BN" if keys["batch_norm"] else "without BN")
    parts += [str(v) for k, v in keys.items() if k not in ("activation", "depth", "width", "batch_norm")]
    return " ".join(parts)
