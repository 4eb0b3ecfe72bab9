"""Claims on the medians of each class at every node (Pretorius 2020, chapter 4)."""

import polars as pl

from nodescope.works.cases import (
    Tables,
    as_cases,
    axes_of,
    change,
    difference,
    in_last_layer,
    last_less_first,
    need,
    per_net,
)
from nodescope.works.claim import Claim
from nodescope.works.judging import SIGN_RULE, Judgement, judge_all, judge_sign

TRAIN = pl.col("split") == "train"
UNTRAINED = pl.col("state") == "initial"
TRAINED = pl.col("state") == "trained"
SIGMOID = pl.col("activation") == "sigmoid"
WITHOUT_BN = ~pl.col("batch_norm")

#: 0 where a sigmoid's median is 0.5, 1 where it is 0 or 1.
POLARISATION = (2 * pl.col("median").cast(pl.Float64) - 1).abs()


def untrained_medians_coincide(tables: Tables) -> Judgement:
    """Untrained nets without BN: class share of ReLU less that of sigmoid in the last layer; sigmoid's fall with depth."""
    medians = need(tables, "medians", TRAIN, UNTRAINED, WITHOUT_BN, pl.col("depth") > 1, what="untrained deep networks")
    shares = class_share(medians)
    fall = last_less_first(shares.filter(SIGMOID)).with_columns(-pl.col("value"))
    last = in_last_layer(shares).drop("layer")
    return judge_all(
        [
            judge_sign(as_cases(difference(last, "activation", "relu", "sigmoid"))),
            judge_sign(as_cases(fall)),
        ]
    )


def training_polarises_sigmoid(tables: Tables) -> Judgement:
    """Sigmoid without BN: the trained net's polarisation less the untrained one's per layer; the last layer's rise less
    the first's."""
    medians = need(tables, "medians", TRAIN, SIGMOID, WITHOUT_BN, pl.col("depth") > 1, what="deep sigmoid networks")
    rise = change(per_net(medians, POLARISATION.mean(), "state", "layer"), "state", "trained", "initial")
    return judge_all([judge_sign(as_cases(rise)), judge_sign(as_cases(last_less_first(rise)))])


def batch_norm_keeps_from_saturation(tables: Tables) -> Judgement:
    """Trained nets: polarisation of sigmoid medians, share of ReLU medians at 0; without BN less with BN."""
    medians = need(tables, "medians", TRAIN, TRAINED, SIGMOID | (pl.col("activation") == "relu"))
    at_zero = pl.when(pl.col("median").is_not_null()).then((pl.col("median") == 0).cast(pl.Float64))
    saturation = pl.when(SIGMOID).then(POLARISATION).otherwise(at_zero)
    mean = per_net(medians, saturation.mean())
    return judge_sign(as_cases(difference(mean, "batch_norm", False, True)))


def class_share(medians: pl.DataFrame) -> pl.DataFrame:
    """How much of the variance of a layer's medians lies between the classes of a node, per net and layer.

    0 where the classes' medians lie on top of each other at every node; null where all medians of the layer are equal.
    """
    net = [*axes_of(medians), "seed", "layer"]
    median = pl.col("median").cast(pl.Float64)
    with_variance = medians.with_columns(within=median.var(ddof=0).over([*net, "node"]))
    variance = median.var(ddof=0)
    return per_net(with_variance, pl.when(variance > 0).then(pl.col("within").mean() / variance), "layer")


CLAIMS = (
    Claim(
        name="untrained_medians_coincide",
        place="figures 4.3, 4.8",
        statement="The class medians of the untrained sigmoid net lie on top of each other in deep layers, those of the "
        "untrained ReLU net less so.",
        axes=("depth", "activation", "batch_norm"),
        statistic="share of the medians' variance that lies between the classes of a node, without BN: in the last layer ReLU less "
        "sigmoid; and of sigmoid, the first layer less the last",
        rule=SIGN_RULE.format(value="each of the two differences"),
        charts=("medians",),
        judge=untrained_medians_coincide,
    ),
    Claim(
        name="training_polarises_sigmoid",
        place="figures 4.8-4.11",
        statement="Training moves the medians of sigmoid nodes towards 0 and 1, in deep layers more.",
        axes=("depth", "activation", "batch_norm"),
        statistic="mean of |2 median - 1| without BN, trained less untrained, a case per layer; and its rise in the last layer "
        "less that in the first",
        rule=SIGN_RULE.format(value="each of the two differences"),
        charts=("medians",),
        judge=training_polarises_sigmoid,
    ),
    Claim(
        name="batch_norm_keeps_from_saturation",
        place="figures 4.5, 4.10, 4.11",
        statement="Batch normalisation moves medians away from the saturation points.",
        axes=("activation", "batch_norm"),
        statistic="sigmoid: mean of |2 median - 1|; ReLU: share of medians at 0; trained nets without BN less with BN",
        rule=SIGN_RULE.format(value="the difference"),
        charts=("medians",),
        judge=batch_norm_keeps_from_saturation,
    ),
)
