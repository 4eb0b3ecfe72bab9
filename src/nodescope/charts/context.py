"""What a chart knows beside its tables, and what it makes of that."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import altair as alt
import polars as pl

from nodescope.charts.labels import state_label
from nodescope.charts.style import OTHER_CLASS, class_colours
from nodescope.config.charts import Charts
from nodescope.config.study import study_of
from nodescope.numerics.intervals import t_quantile
from nodescope.storage.json_files import read_json
from nodescope.storage.tables import class_names_of
from nodescope.study.axes import CONFIGURATION, Configurations
from nodescope.study.contents import analyses_left_out, table_names
from nodescope.study.layer_names import layer_names, read_layers
from nodescope.study.layout import StudyFiles
from nodescope.study.words import Words
from nodescope.works.published_figures import has_standard_errors
from nodescope.works.registry import works_of
from nodescope.works.work import Work


@dataclass(frozen=True)
class Context:
    """What a chart knows beside its tables.

    Attributes
    ----------
    options : Charts
        How figures look.
    class_names : list of str
        Of samples without classes the one name `nodescope.storage.tables.ALL_SAMPLES`.
    configurations : Configurations
        Of the study.
    works : tuple of Work
        The published works that the study is compared with.
    has_classes : bool
        Whether the samples have classes that can be compared: more than one.
    missing : mapping
        The analyses that the study cannot have, and why.
    tables : tuple of str
        The names of the study's collected tables.
    layer_names : mapping
        Of each configuration those of its layers, see `nodescope.study.layer_names`.
    """

    options: Charts
    class_names: list[str]
    configurations: Configurations
    works: tuple[Work, ...] = ()
    has_classes: bool = True
    missing: Mapping[str, str] = field(default_factory=dict)
    tables: tuple[str, ...] = ()
    layer_names: Mapping[str, list[str]] = field(default_factory=dict)

    @property
    def states(self) -> tuple[str, ...]:
        """That are recorded of each network, the kept one last."""
        return self.configurations.states

    @property
    def words(self) -> Words:
        """What may be said of the study's seeds, training and classes."""
        return replace(self.configurations.words, has_classes=self.has_classes)

    @property
    def ends(self) -> tuple[str, ...]:
        """The first and the last state; one, where there is no other."""
        return tuple(dict.fromkeys([self.states[0], self.states[-1]]))

    @property
    def batch_norm_varies(self) -> bool:
        """Whether some networks have batch normalisation and others none."""
        return any(axis.name == "batch_norm" and axis.varies for axis in self.configurations.axes)

    def with_state(self, words: str, state: str) -> str:
        """The name of a network in a state; of networks that are known in one state only, that is not said."""
        return f"{words}, {state_label(state)}" if self.words.several_states else words

    def spread_words(self, figure: str | None = None) -> str:
        """The mean with its spread in words, as `with_spread` draws it."""
        return self.words.with_spread(as_published=self.has_standard_errors(figure))

    def has_standard_errors(self, figure: str | None) -> bool:
        """Whether a figure shows standard errors, because a work that the study names does so in its counterpart."""
        return figure is not None and has_standard_errors(self.works, figure)

    def with_spread(
        self, mean: pl.DataFrame, figure: str | None = None, bounds: tuple[float | None, float | None] = (None, None)
    ) -> pl.DataFrame:
        """Columns ``low`` and ``high``: the ends of the 95 % t interval over the seeds.

        Parameters
        ----------
        mean
            From `over_seeds`. Of one seed both ends are its value.
        figure
            The name of the figure: if a work that the study names shows standard errors there, so does the figure.
        bounds
            Of the values: an interval ends there.
        """
        most = max(2, int(mean["seeds"].max() or 0))  # type: ignore[arg-type]  # whole numbers
        errors = {n: 1.0 if self.has_standard_errors(figure) else t_quantile(n - 1) for n in range(2, most + 1)}
        reach = pl.col("seeds").replace_strict(errors, default=0.0, return_dtype=pl.Float64)
        half = (pl.col("standard_error") * reach).fill_null(0)
        low, high = bounds
        return mean.with_columns(
            low=(pl.col("mean") - half).clip(lower_bound=low), high=(pl.col("mean") + half).clip(upper_bound=high)
        )

    def table_of_means(self, frame: pl.DataFrame, name: str, figure: str | None = None) -> pl.DataFrame:
        """The columns ``mean``, ``standard_error`` and ``seeds`` as a table shows them, where they are.

        Of one seed its value, called ``name``. Of several the mean with the ends of its 95 % t interval, or with its
        standard error if a work that the study names prints that in its counterpart of the table named ``figure``.
        """
        others = [column for column in frame.columns if column not in ("mean", "standard_error", "seeds")]
        if not self.words.several_seeds:
            return frame.select(*others, pl.col("mean").round(4).alias(name))
        if self.has_standard_errors(figure):
            return frame.select(*others, pl.col("mean", "standard_error").round(4), "seeds")
        ends = self.with_spread(frame)
        known = pl.col("standard_error").is_not_null()
        return ends.select(
            *others,
            pl.col("mean").round(4),
            *(pl.when(known).then(pl.col(end)).round(4).alias(f"interval_{end}") for end in ("low", "high")),
            "seeds",
        )

    def class_colours(self) -> list[str]:
        """The colour of each class, the same in every figure; no two are alike but the greys of those not in colour."""
        return class_colours(len(self.class_names), self.options.class_colours)

    def class_colour(self) -> alt.Color:
        """The encoding of classes, from the column ``class_name``; its legend names the classes in colour."""
        colours = self.class_colours()
        others = colours.count(OTHER_CLASS)
        channel = alt.Color("class_name:N").scale(domain=self.class_names, range=colours)
        if not self.has_classes:
            return channel.legend(None)
        if not others:
            return channel.title("class").legend(symbolOpacity=1)
        named = [name for name, own in zip(self.class_names, colours, strict=True) if own != OTHER_CLASS]
        return channel.title(["class", f"({others} others grey)"]).legend(values=named, symbolOpacity=1)

    def with_class_names(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Replace class indices by names."""
        names = pl.DataFrame({"class": range(len(self.class_names)), "class_name": self.class_names})
        return frame.join(
            names.with_columns(pl.col("class").cast(frame["class"].dtype)), on="class", maintain_order="left"
        )

    @classmethod
    def read(cls, files: StudyFiles, dataset_description: str | Path, options: Charts) -> "Context":
        """Of a study, from what was written beside its tables.

        Raises
        ------
        DamagedFileError
            If a file is damaged.
        """
        study = study_of(read_json(files.settings))
        dataset = read_json(dataset_description)
        classes = dataset["classes"]
        configurations, layers = Configurations.read(files.configurations), read_layers(files)
        return cls(
            options, class_names_of(classes), configurations, works_of(study.works), has_classes=len(classes) > 1,
            missing=analyses_left_out(study, dataset), tables=tuple(table_names(study)),
            layer_names={name: layer_names(layers, name) for name in configurations.identifiers},
        )  # fmt: skip

    def with_network(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Add the column ``network``, the name of the configuration for readers."""
        return frame.with_columns(network=pl.col(CONFIGURATION).replace_strict(self.configurations.labels))

    def with_layer_names(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Add the column ``layer_name``: the number of the layer, and its name as far as that says more."""
        named = [
            (identifier, number, f"{number} {name}")
            for identifier, names in self.layer_names.items()
            for number, name in enumerate(names, start=1)
            if name
        ]
        schema = {CONFIGURATION: frame.schema[CONFIGURATION], "layer": frame.schema["layer"], "layer_name": pl.String()}
        known = pl.DataFrame(named, schema=schema, orient="row")
        joined = frame.join(known, on=(CONFIGURATION, "layer"), how="left", maintain_order="left")
        return joined.with_columns(pl.col("layer_name").fill_null(pl.col("layer").cast(pl.String)))

    def network(self, row: Mapping[str, Any]) -> str:
        """The name of the configuration of a row for readers."""
        return self.configurations.label(row[CONFIGURATION])
