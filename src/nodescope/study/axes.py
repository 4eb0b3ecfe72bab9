"""The configurations of a study as data: identifiers, axes, and their names for readers.

Everything downstream of the recordings takes them from here, and never asks which axes there are. What is particular to the
axes of the built-in families (panels by depth, ``4x200``, ``with BN``) is said once, in `_family_axis`. Imports nothing heavy.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from nodescope.config.study import FamilyStudy, JoinedStudy
from nodescope.storage.json_files import read_json, write_json
from nodescope.study.configurations import configurations_of, seeds_of, states_of
from nodescope.study.joined_configurations import STUDY_AXIS
from nodescope.study.words import Words

if TYPE_CHECKING:
    import polars as pl

    from nodescope.config.study import Study

Value = bool | int | float | str
Side = Literal["column", "row"]

#: The column that names a configuration: the first of every table.
CONFIGURATION = "configuration"
#: The column for the family of networks; an axis where a study has several.
MODEL = "model"


@dataclass(frozen=True)
class Axis:
    """A named value in which configurations differ.

    Attributes
    ----------
    name : str
        The column of the collected tables.
    title : str
        For readers.
    values : tuple
        In the order of the study.
    words : tuple of str
        What each value is called.
    rank : int
        Its place in the name of a configuration: lower ranks come first.
    is_size : bool
        Whether it says how large a network is. Configurations of one size are compared with each other first.
    side : {'column', 'row'} or None
        The side of a grid of panels that it runs along.
    """

    name: str
    title: str
    values: tuple[Value, ...]
    words: tuple[str, ...]
    rank: int = 3
    is_size: bool = False
    side: Side | None = None

    @property
    def varies(self) -> bool:
        """Whether it has more than one value."""
        return len(self.values) > 1

    def word(self, value: Any) -> str:
        """What a value is called."""
        return dict(zip(self.values, self.words, strict=True))[value]

    @classmethod
    def plain(cls, name: str, values: Iterable[Value]) -> "Axis":
        """An axis of which nothing is known but its name: its values are called ``NAME VALUE``."""
        distinct = tuple(dict.fromkeys(values))
        title = name.replace("_", " ")
        return cls(name, title, distinct, tuple(f"{title} {value}" for value in distinct))


def describe(axes: Iterable[Axis], values: Mapping[str, Any]) -> str:
    """The values of some axes in words: ``relu 4x200 with BN``.

    The axes of size are joined where all are named.
    """
    axes = tuple(axes)
    named = [axis for axis in axes if axis.name in values]
    sizes = [axis for axis in axes if axis.is_size]
    parts: list[tuple[int, str]] = []
    if len(sizes) > 1 and all(axis in named for axis in sizes):
        parts.append((sizes[0].rank, "x".join(str(values[axis.name]) for axis in sizes)))
        named = [axis for axis in named if not axis.is_size]
    parts += [(axis.rank, axis.word(values[axis.name])) for axis in named]
    return " ".join(words for _, words in sorted(parts, key=lambda part: part[0]))


def describe_family(values: Mapping[str, Any]) -> str:
    """As `describe`, of values of the axes of the built-in families, without a study.

    >>> describe_family({"depth": 4, "width": 200, "activation": "relu", "batch_norm": True})
    'relu 4x200 with BN'
    >>> describe_family({"activation": "relu", "width": 200})
    'relu width 200'
    """
    return describe([_family_axis(name, (value,)) for name, value in values.items()], values)


def _family_axis(name: str, values: tuple[Value, ...]) -> Axis:
    """An axis of the configuration's section ``grid``."""
    if name == "depth":
        words = tuple(f"depth {value}" for value in values)
        return Axis(name, "hidden layers", values, words, rank=1, is_size=True, side="column")
    if name == "width":
        return Axis(name, "nodes per layer", values, tuple(f"width {value}" for value in values), rank=1, is_size=True)
    if name == "batch_norm":
        words = tuple("with BN" if value else "without BN" for value in values)
        return Axis(name, "batch normalisation", values, words, rank=2, side="row")
    rank = {"activation": 0, MODEL: 4}.get(name, 3)
    return Axis(name, name.replace("_", " "), values, tuple(map(str, values)), rank=rank)


def _joined_axis(name: str, values: tuple[Value, ...]) -> Axis:
    """An axis of studies that are looked at together: their names speak for themselves."""
    return Axis(name, name, values, tuple(map(str, values)), rank=0) if name == STUDY_AXIS else Axis.plain(name, values)


def _maker(study: "Study") -> Callable[[str, tuple[Value, ...]], Axis]:
    match study:
        case FamilyStudy():
            return _family_axis
        case JoinedStudy():
            return _joined_axis
        case _:
            return Axis.plain


@dataclass(frozen=True)
class Configurations:
    """The configurations of a study, in its order.

    Attributes
    ----------
    axes : tuple of Axis
        Those that tell its configurations apart, in the order of the tables; there may be none. The family of networks
        is one where there are several.
    keys : mapping
        For each identifier the columns that the collected tables have after `CONFIGURATION`: data set, family, and axes.
    seeds : tuple of int
        Of the networks; empty where they are not known.
    states : tuple of str
        That are recorded of them, the kept one last.
    """

    axes: tuple[Axis, ...]
    keys: Mapping[str, Mapping[str, Any]]
    seeds: tuple[int, ...] = ()
    states: tuple[str, ...] = ()

    @classmethod
    def of(cls, study: "Study") -> "Configurations":
        """Those of a study."""
        keys = {found.identifier: found.keys() for found in configurations_of(study)}
        first = next(iter(keys.values()))
        several = not isinstance(study, JoinedStudy) and len({of_one[MODEL] for of_one in keys.values()}) > 1
        names = [name for name in first if name not in ("dataset", MODEL)] + ([MODEL] if several else [])
        make_axis = _maker(study)
        axes = (make_axis(name, tuple(dict.fromkeys(of_one[name] for of_one in keys.values()))) for name in names)
        return cls(tuple(axes), keys, tuple(seeds_of(study)), tuple(states_of(study)))

    @property
    def words(self) -> Words:
        """What may be said of the seeds and of training."""
        return Words(self.seeds, self.states)

    @classmethod
    def plain(cls, keys: Mapping[str, Mapping[str, Any]]) -> "Configurations":
        """Those of any networks, from the values of their axes by identifier; each names all axes.

        Values of different types on one axis become texts.
        """
        names = list(next(iter(keys.values()), {}))
        columns = {name: _of_one_type([values[name] for values in keys.values()]) for name in names}
        rows = {identifier: {name: values[i] for name, values in columns.items()} for i, identifier in enumerate(keys)}
        return cls(tuple(Axis.plain(name, values) for name, values in columns.items()), rows)

    @property
    def identifiers(self) -> list[str]:
        """In the order of the study."""
        return list(self.keys)

    @property
    def axis_names(self) -> list[str]:
        """The columns of the axes."""
        return [axis.name for axis in self.axes]

    @property
    def columns(self) -> list[str]:
        """`CONFIGURATION` and the columns of the axes."""
        return [CONFIGURATION, *self.axis_names]

    def side(self, side: Side) -> Axis | None:
        """The axis that runs along a side of a grid of panels."""
        return next((axis for axis in self.axes if axis.side == side), None)

    def values(self, identifier: str) -> dict[str, Any]:
        """The values of its axes."""
        return {name: self.keys[identifier][name] for name in self.axis_names}

    def describe(self, values: Mapping[str, Any]) -> str:
        """The values of some axes in words; other keys do not count."""
        return describe(self.axes, values)

    def label(self, identifier: str, *, without: Collection[str] = ()) -> str:
        """The name of a configuration for readers; its identifier where no axis is left."""
        values = {name: value for name, value in self.values(identifier).items() if name not in without}
        return self.describe(values) or identifier

    @property
    def labels(self) -> dict[str, str]:
        """The name of each configuration for readers, by identifier."""
        return {identifier: self.label(identifier) for identifier in self.keys}

    def series(self, identifier: str, *, without: Collection[str] = ()) -> str:
        """What a configuration is called within a panel: axes that run along a side of the panels are left out.

        So are axes of size that do not vary, and those named in ``without``.
        """
        named = [axis for axis in self.axes if axis.side is None and axis.name not in without]
        shown = [axis for axis in named if axis.varies or not axis.is_size]
        values = self.values(identifier)
        words = [axis.word(values[axis.name]) for axis in sorted(shown, key=lambda axis: axis.rank)]
        return ", ".join(words) or identifier

    def sizes(self) -> dict[str, str]:
        """What each configuration's size is called, by identifier; empty where no axis says it."""
        names = {axis.name for axis in self.axes if axis.is_size}
        return {
            identifier: self.describe({name: value for name, value in self.values(identifier).items() if name in names})
            for identifier in self.keys
        }

    def baselines(self) -> dict[str, str]:
        """For each configuration the first one of the same family and size."""
        sizes = [axis.name for axis in self.axes if axis.is_size]
        firsts: dict[tuple[Any, ...], str] = {}
        return {
            identifier: firsts.setdefault((keys.get(MODEL), *(keys[name] for name in sizes)), identifier)
            for identifier, keys in self.keys.items()
        }

    def write(self, path: str | Path) -> None:
        """Write them beside the tables; see `read`."""
        axes = [asdict(axis) for axis in self.axes]
        rows = [
            {CONFIGURATION: name, "label": self.label(name), "keys": dict(keys)} for name, keys in self.keys.items()
        ]
        write_json(path, {"axes": axes, "configurations": rows, "seeds": self.seeds, "states": self.states})

    @classmethod
    def read(cls, path: str | Path) -> "Configurations":
        """From the file that `write` wrote.

        Raises
        ------
        DamagedFileError
            If it is damaged.
        """
        found = read_json(path)
        axes = (
            Axis(**axis | {"values": tuple(axis["values"]), "words": tuple(axis["words"])}) for axis in found["axes"]
        )
        keys = {row[CONFIGURATION]: row["keys"] for row in found["configurations"]}
        return cls(tuple(axes), keys, tuple(found["seeds"]), tuple(found["states"]))

    def only(self, identifiers: Collection[str]) -> "Configurations":
        """Some of them, under the names that they have among all."""
        return replace(self, keys={name: keys for name, keys in self.keys.items() if name in identifiers})

    def frame(self) -> "pl.DataFrame":
        """One row per configuration: `CONFIGURATION`, its keys."""
        import polars as pl

        names = list(next(iter(self.keys.values()), {}))
        columns = {name: [keys[name] for keys in self.keys.values()] for name in names}
        return pl.DataFrame(
            [pl.Series(CONFIGURATION, self.identifiers, pl.String)]
            + [pl.Series(name, values, _dtype(values)) for name, values in columns.items()]
        )

    def collected(self, frame: "pl.DataFrame") -> "pl.DataFrame":
        """A table of some configurations with their keys as columns after `CONFIGURATION`."""
        keys = self.frame()
        others = [name for name in frame.columns if name != CONFIGURATION]
        joined = frame.join(keys, on=CONFIGURATION, how="left", maintain_order="left")
        return joined.select(*keys.columns, *others)


def _of_one_type(values: list[Value]) -> list[Value]:
    kinds = {type(value) for value in values}
    if len(kinds) < 2:
        return values
    return [float(value) if kinds == {int, float} else str(value) for value in values]


def _dtype(values: list[Any]) -> "type[pl.DataType]":
    """The type of a column of such values: whole numbers as 32 bits where they fit."""
    import polars as pl

    kind: type = next((type(value) for value in values), str)
    if kind is int:
        return pl.Int32 if all(-(2**31) <= value < 2**31 for value in values) else pl.Int64
    return pl.Boolean if kind is bool else pl.Float64 if kind is float else pl.String
