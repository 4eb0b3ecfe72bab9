"""An entry of ``studies``, of one kind for each way in which networks come into a study."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Discriminator, Field, Tag

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

RANDOM_INPUTS = Field(
    0, description="number of samples of an additional split random, whose features are drawn from U[0, 1)"
)


class AnyStudy(Section):
    """What all studies have, wherever their networks come from."""

    name: SafeName = Field(description="letters, digits, '-' and '_'; also the name of the study's folder in results/")
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


Study = FamilyStudy | ModuleStudy | RecordingsStudy

#: The kinds of studies by name.
KINDS: dict[str, type[FamilyStudy | ModuleStudy | RecordingsStudy]] = {
    "study of a module": ModuleStudy,
    "study of recordings": RecordingsStudy,
    "study of families": FamilyStudy,
}


def kind_of(settings: Any) -> str:
    """What kind of study a section is, by its name in `KINDS`: what it has a key of tells."""
    if isinstance(settings, AnyStudy):
        return next(kind for kind, own in KINDS.items() if isinstance(settings, own))
    keys = settings if isinstance(settings, Mapping) else ()
    return (
        "study of a module"
        if "module" in keys
        else "study of recordings"
        if "recordings" in keys
        else "study of families"
    )


#: An entry of ``studies``.
StudyEntry = Annotated[
    Annotated[FamilyStudy, Tag("study of families")]
    | Annotated[ModuleStudy, Tag("study of a module")]
    | Annotated[RecordingsStudy, Tag("study of recordings")],
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
