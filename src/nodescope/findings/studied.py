"""What findings know of a study beside its tables."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from nodescope.findings.comparisons import Answers, read_answers
from nodescope.messages.words import counted
from nodescope.storage.json_files import read_json
from nodescope.study.axes import Configurations
from nodescope.study.layout import StudyFiles
from nodescope.study.words import Words


@dataclass(frozen=True)
class Studied:
    """What findings know of a study beside its tables.

    Attributes
    ----------
    configurations : Configurations
    class_names : tuple of str
        Empty where samples have no classes that can be compared.
    per_class : mapping
        For each split the number of samples of each class; of samples without classes, their number.
    answers : mapping
        Whether each kept net gets each test sample right, by configuration and seed.
    """

    configurations: Configurations
    class_names: tuple[str, ...] = ()
    per_class: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    answers: Answers = field(default_factory=dict)

    @classmethod
    def read(cls, files: StudyFiles, description: str | Path) -> "Studied":
        """Of a study, from what lies beside its tables.

        Parameters
        ----------
        description
            Of its prepared data set.

        Raises
        ------
        DamagedFileError
            If a file is damaged.
        """
        dataset, configurations = read_json(description), Configurations.read(files.configurations)
        classes = tuple(dataset["classes"])
        # Of recordings the classes of the samples are not counted.
        sizes = {
            split: tuple(of_split.get("per_class") or (of_split["samples"],))
            for split, of_split in dataset["splits"].items()
        }
        there = [name for name in configurations.identifiers if files.predictions(name).is_file()]
        return cls(configurations, classes if len(classes) > 1 else (), sizes, read_answers(files, there))

    @property
    def words(self) -> Words:
        """What may be said of its seeds, training and classes."""
        return replace(self.configurations.words, has_classes=bool(self.class_names))

    @property
    def first(self) -> str:
        """The first state that is recorded."""
        return self.configurations.states[0]

    @property
    def last(self) -> str:
        """The last, which is kept."""
        return self.configurations.states[-1]

    @property
    def networks(self) -> str:
        """``trained networks``, ``untrained networks`` or ``networks``."""
        return self.words.networks

    def counted_networks(self, number: int) -> str:
        """``1 trained network``, ``24 trained networks``."""
        return counted(number, self.networks.removesuffix("s"))

    def these_networks(self, number: int) -> str:
        """``the trained network``, ``the 24 trained networks``: all that were looked at."""
        return f"the {self.networks.removesuffix('s')}" if number == 1 else f"the {self.counted_networks(number)}"

    def label(self, configuration: str, seed: int | None = None) -> str:
        """The name of a configuration, or of one of its networks, for readers."""
        named = self.configurations.label(configuration)
        return named if seed is None or not self.words.several_seeds else f"{named} (seed {seed})"

    def samples(self, split: str) -> int:
        """How many a split has."""
        return sum(self.per_class.get(split, ()))

    def in_order(self, configurations: Iterable[str]) -> list[str]:
        """Some identifiers in the order of the study."""
        there = set(configurations)
        return [name for name in self.configurations.identifiers if name in there]
