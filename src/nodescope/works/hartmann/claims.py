"""Claims on how activation patterns evolve in training (Hartmann, Franzen & Brodehl 2021)."""

import polars as pl

from nodescope.study.axes import describe_family
from nodescope.works.cases import Tables, as_cases, axes_of, last_less_first, need, per_net
from nodescope.works.claim import Claim
from nodescope.works.judging import SIGN_RULE, Judgement, NotRun, judge_sign

#: Networks whose layers the source says converge together, networks without and with shortcuts.
SIMULTANEOUS = ("pyramidnet", "fixup_resnet")
PLAIN = ("convnet", "toynet")
RESIDUAL = ("resnet", "pyramidnet", "fixup_resnet")


def structure_forms_bottom_up(tables: Tables) -> Judgement:
    """Similarity to the final patterns, averaged over training: first layer less last."""
    lead = _lead_of_the_first_layer(tables, ~pl.col("model").is_in(SIMULTANEOUS))
    return judge_sign(as_cases(lead))


def tuned_networks_converge_together(tables: Tables) -> Judgement:
    """The lead of the first layer: other convolutional networks less PyramidNet and FixUp."""
    lead = _lead_of_the_first_layer(tables, pl.col("model") != "mlp")
    return judge_sign(_between_models(lead, ~pl.col("model").is_in(SIMULTANEOUS), pl.col("model").is_in(SIMULTANEOUS)))


def plain_networks_have_dips_in_entropy(tables: Tables) -> Judgement:
    """Depth of the deepest dip of relative entropy over the layers at the end of training: plain less residual nets."""
    evolution = need(tables, "pattern_evolution", pl.col("model") != "mlp", what="convolutional networks")
    if not evolution["step"].max():
        raise NotRun("its networks were not trained")
    end = evolution.filter(pl.col("step") == pl.col("step").max().over([*axes_of(evolution), "seed"]))
    dips = per_net(end.sort("layer"), deepest_dip(pl.col("relative_entropy")))
    return judge_sign(_between_models(dips, pl.col("model").is_in(PLAIN), pl.col("model").is_in(RESIDUAL)))


def deepest_dip(values: pl.Expr) -> pl.Expr:
    """How far the lowest place of a sequence lies below the lower of the peaks to both sides; 0 for one without a dip."""
    rim = pl.min_horizontal(values.cum_max(), values.cum_max(reverse=True))
    return (rim - values).max()


def _lead_of_the_first_layer(tables: Tables, which: pl.Expr) -> pl.DataFrame:
    evolution = need(
        tables, "pattern_evolution", which,
        columns=("weighted_jaccard_final",), what="networks whose patterns are followed through training",
    )  # fmt: skip
    net = [*axes_of(evolution), "seed"]
    during = evolution.filter(pl.col("step") > 0, pl.col("step") < pl.col("step").max().over(net))
    if during.is_empty():
        raise NotRun("it needs patterns measured between the first step and the last")
    similarity = per_net(during, pl.col("weighted_jaccard_final").mean(), "layer")
    return last_less_first(similarity).with_columns(-pl.col("value"))


def _between_models(values: pl.DataFrame, first: pl.Expr, second: pl.Expr) -> pl.DataFrame:
    """Cases of every network of the first kind less every one of the second that differs in the family alone."""
    others = [name for name in values.columns if name not in ("model", "value")]
    pairs = values.filter(first).join(values.filter(second), on=others, suffix="_second", nulls_equal=True)
    if pairs.is_empty():
        raise NotRun("it needs networks of both kinds that differ in nothing else")
    further = [name for name in others if name not in ("dataset", "depth", "seed")]
    words = pl.Series([describe_family(row) for row in pairs.select(further).iter_rows(named=True)], dtype=pl.String)
    return pairs.select(
        pl.format("{} less {}, depth {} {}", "model", "model_second", "depth", words).alias("case"),
        "seed",
        value=pl.col("value") - pl.col("value_second"),
    )


CLAIMS = (
    Claim(
        name="structure_forms_bottom_up",
        place="abstract, figure 3",
        statement="Most networks form structure bottom-up: early layers reach their final patterns first.",
        statistic="weighted Jaccard similarity of a layer's patterns to its final ones, averaged over the times measured during "
        "training: first layer less last (not for PyramidNet and FixUp)",
        rule=SIGN_RULE.format(value="the difference"),
        charts=("pattern_evolution",),
        judge=structure_forms_bottom_up,
    ),
    Claim(
        name="tuned_networks_converge_together",
        place="abstract, figure 3",
        statement="The layers of PyramidNet and FixUp converge more simultaneously.",
        axes=("depth",),
        statistic="the same lead of the first layer: that of the other convolutional networks less that of PyramidNet and FixUp",
        rule=SIGN_RULE.format(value="the difference"),
        charts=("pattern_evolution",),
        judge=tuned_networks_converge_together,
    ),
    Claim(
        name="plain_networks_have_dips_in_entropy",
        place="abstract, figure 2",
        statement="Conventional convolutional networks show intermediate dips in entropy over depth, residual networks do not.",
        axes=("depth",),
        statistic="depth of the deepest dip of relative entropy over the layers after training: ConvNet and ToyNet less residual "
        "networks of the same depth",
        rule=SIGN_RULE.format(value="the difference"),
        charts=("pattern_evolution",),
        judge=plain_networks_have_dips_in_entropy,
    ),
)
