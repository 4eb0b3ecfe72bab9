"""Which tensor of a checkpoint is which of the user's own network.

Names must fit exactly, but for what is known to be harmless: a common prefix (``module.``, ``model.``), words of PyTorch's
wrappers (``_orig_mod.``), counters of batch normalisation, tensors that are one tensor in the network, and what the user's
patterns ignore. Everything else is refused with the differences, since a network that is filled in part computes nonsense
without saying so.
"""

import difflib
import fnmatch
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import nn
from torch.nn.parameter import is_lazy

from nodescope.messages.errors import WeightsError
from nodescope.messages.words import counted
from nodescope.networks.weight_files import StateDict, is_pickle, read_state_dicts, reads_unsafely
from nodescope.networks.weights import COUNTER, WRAPPERS

#: What `torch.optim.swa_utils.AveragedModel` and its like count.
COUNTERS = ("n_averaged",)
NAMED_IN_MESSAGE = 5

Shape = tuple[int, ...] | None


class MisfitError(WeightsError):
    """No set of weights of a checkpoint is the network's."""


@dataclass(frozen=True)
class WantedTensors:
    """What a network can be filled with.

    Attributes
    ----------
    shapes : mapping
        By name; None of a lazy module that has seen no batch yet.
    same : mapping
        Names of tensors that are the same tensor as one that comes before, and the name of that.
    """

    shapes: Mapping[str, Shape]
    same: Mapping[str, str]

    @classmethod
    def of(cls, network: nn.Module) -> "WantedTensors":
        """Those of a network."""
        tensors = {
            name: tensor
            for name, tensor in network.state_dict(keep_vars=True).items()
            if isinstance(tensor, torch.Tensor)
        }
        first: dict[int, str] = {}
        same = {
            name: first[id(tensor)] for name, tensor in tensors.items() if first.setdefault(id(tensor), name) != name
        }
        return cls({name: None if is_lazy(tensor) else tuple(tensor.shape) for name, tensor in tensors.items()}, same)


@dataclass(frozen=True)
class FittingWeights:
    """The tensors of a checkpoint by the network's names, and what was decided to find them, a sentence each."""

    tensors: Mapping[str, torch.Tensor]
    decisions: tuple[str, ...]


@dataclass(frozen=True)
class _Trial:
    """One set of weights below one prefix, held against a network.

    Attributes
    ----------
    where, prefix : str
        The keys that lead to the set, and what its names begin with.
    names : dict
        The file's name of each of the network's tensors that is there.
    missing, left_over : list of str
        The network's names that must be there, and the file's that must not.
    ignored : list of str
        Names of either side that the user's patterns leave out.
    outside : list of str
        The file's names that do not begin with the prefix.
    is_doubtful : bool
        Whether one of those could as well be the network's.
    misfits : dict
        Shapes in the file and in the network, by the network's name.
    """

    where: str
    prefix: str
    tensors: Mapping[str, torch.Tensor]
    names: dict[str, str]
    missing: list[str]
    left_over: list[str]
    ignored: list[str]
    outside: list[str]
    is_doubtful: bool
    misfits: dict[str, tuple[Shape, Shape]] = field(default_factory=dict)

    @property
    def fits(self) -> bool:
        return not (self.missing or self.left_over or self.misfits or self.is_doubtful)

    @property
    def place(self) -> str:
        return ".".join(part for part in (self.where, self.prefix.rstrip(".")) if part)


def weights_of(path: str | Path, key: str | None = None, *, trust: bool = False) -> list[StateDict]:
    """The sets of weights in a checkpoint; with a key that one alone.

    Parameters
    ----------
    path
        ``.pt``, ``.pth``, ``.ckpt``, ``.safetensors`` or a folder of Hugging Face; see `nodescope.networks.weight_files`.
    key
        The key of a set, ``state_dict_ema``, or several with dots between them.
    trust
        Whether the file may hold more than tensors and plain values, which can execute code.

    Raises
    ------
    WeightsError
        If the file is missing, damaged, or something else, or has no such key.
    """
    found = read_state_dicts(path, trust=trust)
    if key is None:
        # Numbers that stand beside the weights, such as an epoch in a tensor, are none.
        sets = [state_dict for state_dict in found if any(tensor.ndim for tensor in state_dict.tensors.values())]
        return sets or found
    chosen = [state_dict for state_dict in found if state_dict.where == key]
    for state_dict in found:
        prefix = f"{state_dict.where}." if state_dict.where else ""
        below = key.removeprefix(prefix) + "."
        tensors = {name: tensor for name, tensor in state_dict.tensors.items() if name.startswith(below)}
        if not chosen and tensors and key.startswith(prefix):
            chosen = [StateDict(state_dict.where, tensors, state_dict.ordered)]
    if not chosen:
        names = [state_dict.where for state_dict in found if state_dict.where]
        held = (
            f"it holds: {', '.join(names)}"
            if names
            else "it holds one set of weights without a key. Hint: leave weights out"
        )
        raise WeightsError(f"{path} has no weights under '{key}'; {held}.")
    return chosen


def fitting_weights(
    path: str | Path,
    wanted: WantedTensors,
    *,
    key: str | None = None,
    ignore: Sequence[str] = (),
    trust: bool = False,
) -> FittingWeights:
    """The tensors of a checkpoint that fit a network; they are mapped, and only their names and shapes are read.

    Parameters
    ----------
    path, key, trust
        As in `weights_of`.
    wanted
        The network's tensors.
    ignore
        Patterns of names that may be missing, left over, or of another shape: such tensors are not loaded.

    Raises
    ------
    MisfitError
        If no set of weights fits.
    WeightsError
        As `weights_of`, and if several fit.
    """
    sets = weights_of(path, key, trust=trust)
    trials: list[_Trial] = []
    fitting: list[_Trial] = []
    # A module of the user's own that holds the network may put a word before all names, too.
    for own in dict.fromkeys(["", _common_prefix(wanted.shapes)]):
        trials += [
            _try(state_dict, prefix, own, wanted, ignore)
            for state_dict in sets
            for prefix in _prefixes(state_dict.tensors, wanted, own, ignore)
        ]
        fitting = [trial for trial in trials if trial.fits]
        if fitting:
            break
    places = list(dict.fromkeys(trial.place for trial in fitting))
    if len(places) > 1:
        raise WeightsError(
            f"{path} holds several sets of weights: {', '.join(places)}. Hint: weights: {places[-1]} in the section module"
        )
    if not fitting:
        raise MisfitError(_explanation(path, trials))
    return FittingWeights(
        {ours: fitting[0].tensors[theirs] for ours, theirs in fitting[0].names.items()},
        tuple(_decisions(Path(path), fitting[0], trust=trust)),
    )


def _prefixes(there: Iterable[str], wanted: WantedTensors, own: str, ignore: Sequence[str]) -> list[str]:
    """What may stand before the network's names in the file: before the first one that must be there."""
    there = [WRAPPERS.sub("", name) for name in there]
    needed = [WRAPPERS.sub("", name).removeprefix(own) for name in wanted.shapes
              if not _is_ignored(name, ignore) and not name.endswith(COUNTER)]  # fmt: skip
    found = dict.fromkeys([""])
    for first in needed[:1] + needed[-1:]:  # the last one finds what to say where the first is missing
        found |= dict.fromkeys(
            name.removesuffix(first) for name in there if name == first or name.endswith("." + first)
        )
    return list(found)


def _common_prefix(names: Iterable[str]) -> str:
    """The name of the one module that holds all of a network's tensors, as of a wrapper of the user's own."""
    firsts = {name.partition(".")[0] for name in names if "." in name}
    return f"{firsts.pop()}." if len(firsts) == 1 and all("." in name for name in names) else ""


def _unwrapped(names: Iterable[str]) -> dict[str, str]:
    """Names without the words of PyTorch's wrappers, and as they are; unless two would become one."""
    names = list(names)
    found = {WRAPPERS.sub("", name): name for name in names}
    return found if len(found) == len(names) else {name: name for name in names}


def _try(state_dict: StateDict, prefix: str, own: str, wanted: WantedTensors, ignore: Sequence[str]) -> _Trial:
    """Hold a set of weights against a network: its names below ``prefix`` are the network's below ``own``."""
    there = _unwrapped(state_dict.tensors)
    ours = {name.removeprefix(own): original for name, original in _unwrapped(wanted.shapes).items()}
    below = {name.removeprefix(prefix): original for name, original in there.items() if name.startswith(prefix)}
    names = {ours[name]: below[name] for name in ours if name in below}
    missing = [original for name, original in ours.items() if name not in below and not name.endswith(COUNTER)]
    left_over = [name for name in below if name not in ours and name not in COUNTERS and not name.endswith(COUNTER)]
    missing = [name for name in missing if not _has_twin(name, names, wanted.same)]
    ignored = [*(n for n in missing if _is_ignored(n, ignore)), *(n for n in left_over if _is_ignored(n, ignore))]
    outside = {
        name: original for name, original in there.items() if not name.startswith(prefix) and name not in COUNTERS
    }
    misfits: dict[str, tuple[Shape, Shape]] = {}
    for name, theirs in list(names.items()):
        shape, needed = tuple(state_dict.tensors[theirs].shape), wanted.shapes[name]
        if needed is not None and shape != needed:
            if _is_ignored(name, ignore):
                ignored.append(name)
                del names[name]
            else:
                misfits[name] = shape, needed
    return _Trial(
        state_dict.where,
        prefix,
        state_dict.tensors,
        names,
        [name for name in missing if name not in ignored],
        [below[name] for name in left_over if name not in ignored],
        ignored,
        list(outside.values()),
        bool(outside) and (own != "" or any(name in ours for name in outside)),
        misfits,
    )


def _has_twin(name: str, names: Mapping[str, str], same: Mapping[str, str]) -> bool:
    """Whether a tensor is the same tensor as one that is there."""
    first = same.get(name, name)
    return any(same.get(other, other) == first for other in names) if first != name or name in same.values() else False


def _is_ignored(name: str, patterns: Sequence[str]) -> bool:
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)


def _decisions(path: Path, trial: _Trial, *, trust: bool) -> Iterable[str]:
    if trial.where:
        yield f"the weights are those under '{trial.where}'"
    if trial.prefix:
        yield f"the prefix '{trial.prefix}' of names was left out"
    if any(WRAPPERS.search(name) for name in trial.names.values()):
        yield "words of PyTorch's wrappers (_orig_mod) in names were left out"
    if any(name in COUNTERS for name in trial.tensors):
        yield "the counter n_averaged was passed over"
    if trial.outside:
        yield f"tensors outside of '{trial.prefix}' were not used: {_some(trial.outside)}"
    if trial.ignored:
        yield f"ignored tensors keep the values that the function gave them, or were not used: {_some(trial.ignored)}"
    if is_pickle(path):
        if trust:
            yield "it was read with trust: true, which can execute code"
        elif warning := reads_unsafely():
            yield warning


def _explanation(path: str | Path, trials: Sequence[_Trial]) -> str:
    """What is missing, left over and of another shape, in the set of weights that comes nearest."""

    def distance(trial: _Trial) -> tuple[bool, int, int]:
        return not trial.names, len(trial.missing) + len(trial.left_over), len(trial.misfits)

    best = min(trials, key=distance)
    wanted = len(best.names) + len(best.missing)
    if not best.names:
        held, needed = _some(list(best.tensors), 3), _some(best.missing, 3)
        return (
            f"{path} does not fit the network: none of its {counted(len(best.tensors), 'tensor')} ({held}) is one of the "
            f"network's {wanted} ({needed}). Hint: check that make builds the network that was saved"
        )
    problems, hints = [], []
    if best.missing:
        problems.append(f"{len(best.missing)} of {wanted} tensors are missing ({_with_nearest(best)})")
    if best.left_over:
        problems.append(f"{len(best.left_over)} are left over ({_some(best.left_over)})")
    if best.missing or best.left_over:
        patterns = list(
            dict.fromkeys(_pattern(name.removeprefix(best.prefix)) for name in (*best.missing, *best.left_over))
        )
        quoted = ", ".join(f'"{pattern}"' for pattern in patterns[:4])
        hints.append(f"rename in the function, or ignore: [{quoted}]")
    for name, (there, shape) in list(best.misfits.items())[:NAMED_IN_MESSAGE]:
        problems.append(f"shape of {name} is {there} in the file, {shape} in the network")
    if len(best.misfits) > NAMED_IN_MESSAGE:
        problems.append(f"and {len(best.misfits) - NAMED_IN_MESSAGE} more shapes")
    if best.misfits:
        hints.append("check the arguments of make (with, placeholders)")
    return f"{path} does not fit the network: {'; '.join(problems)}. Hint: {'; '.join(hints)}"


def _with_nearest(trial: _Trial) -> str:
    """Missing tensors, with the names in the file that come nearest."""
    close = [
        difflib.get_close_matches(name, trial.left_over, n=1, cutoff=0.6) for name in trial.missing[:NAMED_IN_MESSAGE]
    ]
    named = [
        f"{name}, perhaps {found[0]}" if found else name for name, found in zip(trial.missing, close, strict=False)
    ]
    return "; ".join(named) + ("; ..." if len(trial.missing) > NAMED_IN_MESSAGE else "")


def _pattern(name: str) -> str:
    """A pattern for all tensors of the module that a tensor is of."""
    module = name.rpartition(".")[0]
    return f"{module}.*" if module else name


def _some(names: Sequence[str], most: int = NAMED_IN_MESSAGE) -> str:
    return ", ".join(names[:most]) + (", ..." if len(names) > most else "")
