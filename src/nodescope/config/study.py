"""An entry of ``studies``, of one kind for each way in which networks come into a study."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Discriminator, Field, Tag
from pydantic.json_schema import SkipJsonSchema

from nodescope.config.analyses import Analyses
from nodescope.config.dataset import AnyDataset, Recorded, expand_dataset_name
from nodescope.config.diagnosis import Diagnosis
from nodescope.config.fields import Count, Distinct, Index, Number, SafeName, Section, Seed, one_of
from nodescope.config.grid import Grid
from nodescope.config.module import Module
from nodescope.config.network import ModelName, Network
from nodescope.config.pattern_evolution import PatternEvolution
from nodescope.config.recordings import Recordings
from nodescope.config.training import Training
from nodescope.works.registry import WORKS


def _no_single_value(value: Any) -> Any:
    if value in ("mean", "max"):
        raise ValueError(
            f"the {value} of a channel over its positions cannot say whether it is dead or how active it is. "
            "Hint: 'summary' records mean and largest value together, and the positions that are on"
        )
    return value


Positions = Annotated[Literal["summary", "rows", "last"], BeforeValidator(_no_single_value)]


WorkName = Annotated[str, one_of("work", tuple(WORKS))]


Dataset = Annotated[AnyDataset, BeforeValidator(expand_dataset_name)]

DATASET = Field(
    description="digits, iris, mnist, fmnist, cifar10, image_folder, npz or function: a name, or a section with its keys"
)

NAME = Field(description="letters, digits, '-' and '_'; also the name of the study's folder in results/")

RANDOM_INPUTS = Field(
    0, description="number of samples of an additional split random, whose features are drawn from U[0, 1)"
)


class AnyStudy(Section):
    """What all studies have, wherever their networks come from."""

    name: SafeName = NAME
    layers: Annotated[list[Annotated[str, Field(min_length=1)]], Field(min_length=1), Distinct] = Field(
        ["activations"],
        description="layers to record: activations (every activation function), names of modules, patterns such as "
        "'blocks.*.act', types such as 'type:GELU', and what to leave out such as '!*.gate'",
    )
    positions: Positions = Field(
        "summary",
        description="what is recorded per sample and node of a layer with positions (pixels of a channel, tokens of a "
        "text): summary, over all positions (mean and largest pre-activation, mean activation, positions that are on), "
        "rows, every position, which is required for patterns of recorded layers, or last, the last position of a text",
    )
    positions_per_sample: Count | None = Field(
        None,
        description="with positions: rows, record this many positions of each sample, drawn at random; default: all",
    )
    theta_threshold: Number = Field(
        0.0, description="a node is on (theta = 1) if its pre-activation exceeds this threshold"
    )
    analyses: Analyses = Analyses()
    diagnosis: Diagnosis = Diagnosis()
    keep_activations: Literal["auto", "always", "never"] = Field(
        "auto",
        description="keep the recorded activations, or delete them after the last analysis; "
        "auto keeps them up to activations_limit_gb",
    )


class FamilyStudy(AnyStudy):
    """Families of networks that are trained here: one data set, one training protocol, the analyses wanted."""

    dataset: Dataset = DATASET
    model: Annotated[list[ModelName], Field(min_length=1), Distinct] = Field(
        ["mlp"],
        description="families of networks, such as mlp, cnn or resnet; the error for an unknown name lists all "
        "families",
    )
    grid: Grid = Field(description="every combination is one configuration")
    seeds: Annotated[list[Seed], Field(min_length=1), Distinct] = Field(
        [0, 1, 2], description="each configuration is trained once per seed"
    )
    works: Annotated[list[WorkName], Distinct] = Field(
        [],
        description=f"published works to compare the study with: {', '.join(WORKS)}; the report compares the results "
        "with their numbers and claims and lists differences from their protocols; default: none",
    )
    network: Network = Network()
    training: Training = Training()
    random_inputs: Index = RANDOM_INPUTS
    pattern_evolution: PatternEvolution | None = Field(
        None,
        description="measure the patterns of active nodes during training, for every candidate learning rate: split, "
        "samples, schedule, final_every_epochs, hamming_samples; {} for the defaults; default: not measured",
    )


class ModuleStudy(AnyStudy):
    """Networks of your own: a function that builds them, their checkpoints, a data set, the analyses wanted."""

    dataset: Dataset = DATASET
    module: Module
    random_inputs: Index = RANDOM_INPUTS

    @property
    def works(self) -> list[str]:
        """Published works are compared with families only."""
        return []


class RecordingsStudy(AnyStudy):
    """Activations that were recorded elsewhere, and the analyses wanted."""

    recordings: Recordings

    @property
    def dataset(self) -> Recorded:
        """The samples that were recorded, as far as the recordings tell of them."""
        return Recorded(source="recordings", name=self.name, recordings=self.recordings)

    @property
    def random_inputs(self) -> int:
        """There is no network to ask."""
        return 0

    @property
    def works(self) -> list[str]:
        """Published works are compared with families only."""
        return []


def kind_of(settings: Any) -> str:
    """What kind of study a section is, by its name in `KINDS`: what it has a key of tells."""
    if isinstance(settings, Section):
        return next(kind for kind, own in KINDS.items() if isinstance(settings, own))
    keys = settings if isinstance(settings, Mapping) else ()
    told = {"join": "study of studies", "module": "study of a module", "recordings": "study of recordings"}
    return next((kind for key, kind in told.items() if key in keys), "study of families")


#: A study whose networks come from somewhere.
PartEntry = Annotated[
    Annotated[FamilyStudy, Tag("study of families")]
    | Annotated[ModuleStudy, Tag("study of a module")]
    | Annotated[RecordingsStudy, Tag("study of recordings")],
    Discriminator(kind_of),
]


class JoinedStudy(Section):
    """Other studies, looked at together: their networks side by side in every figure."""

    name: SafeName = NAME
    join: Annotated[list[SafeName], Field(min_length=2), Distinct] = Field(
        description="names of the studies to look at together, which must have the same classes; nothing is trained or "
        "recorded for it, and what all of the studies measure is compared"
    )
    parts: SkipJsonSchema[tuple[PartEntry, ...]] = Field(
        (), description="the studies themselves; the configuration fills them in"
    )

    def joining(self, studies: Mapping[str, "Study"]) -> "JoinedStudy":
        """This study with its parts.

        Raises
        ------
        ValueError
            If there are no such studies, or they cannot be joined.
        """
        parts = [studies.get(name) for name in self.join]
        unknown = [name for name, part in zip(self.join, parts, strict=True) if part is None]
        if unknown:
            others = ", ".join(name for name in studies if name != self.name)
            raise ValueError(f"there is no study {' or '.join(unknown)}. Allowed: {others}")
        found = [part for part in parts if isinstance(part, Part)]
        if len(found) < len(parts):
            raise ValueError("a study that joins others cannot be joined itself. Hint: name the studies that it joins")
        thresholds = {part.theta_threshold for part in found}
        if len(thresholds) > 1:
            values = " and ".join(f"{value:g}" for value in sorted(thresholds))
            raise ValueError(
                f"the studies have different values of theta_threshold ({values}), so nodes are on in different "
                "cases. Hint: give them the same"
            )
        for name, options in found[0].analyses:
            differing = [
                part.name for part in found[1:] if part.analyses[name].enabled and part.analyses[name] != options
            ]
            if options.enabled and differing:
                raise ValueError(
                    f"{found[0].name} and {', '.join(differing)} have different options of analyses.{name}. "
                    "Hint: give them the same, or switch the analysis off in one of the studies"
                )
        return self.model_copy(update={"parts": tuple(found)})

    @property
    def dataset(self) -> "AnyDataset | Recorded":
        """The data set of the first study, by whose classes the others are shown."""
        return self.parts[0].dataset

    @property
    def analyses(self) -> Analyses:
        """How the first study measures."""
        return self.parts[0].analyses

    @property
    def theta_threshold(self) -> float:
        """The threshold of all the studies."""
        return self.parts[0].theta_threshold

    @property
    def diagnosis(self) -> Diagnosis:
        """That of the first study."""
        return self.parts[0].diagnosis

    @property
    def works(self) -> list[str]:
        """Published works are compared with each study on its own."""
        return []


Part = FamilyStudy | ModuleStudy | RecordingsStudy
Study = Part | JoinedStudy

#: The kinds of studies by name.
KINDS: dict[str, type[Study]] = {
    "study of studies": JoinedStudy,
    "study of a module": ModuleStudy,
    "study of recordings": RecordingsStudy,
    "study of families": FamilyStudy,
}

#: An entry of ``studies``.
StudyEntry = Annotated[
    Annotated[FamilyStudy, Tag("study of families")]
    | Annotated[ModuleStudy, Tag("study of a module")]
    | Annotated[RecordingsStudy, Tag("study of recordings")]
    | Annotated[JoinedStudy, Tag("study of studies")],
    Discriminator(kind_of),
]


def study_of(settings: Mapping[str, Any]) -> Study:
    """A study from its section.

    Raises
    ------
    ValidationError
        If it is not valid.
    """
    return KINDS[kind_of(settings)].model_validate(settings)
