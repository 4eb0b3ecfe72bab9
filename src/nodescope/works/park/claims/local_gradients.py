"""Claims on the gradient that channels send back and receive (Park 2022)."""

import polars as pl

from nodescope.works.cases import Tables, as_cases, change, need, per_net
from nodescope.works.claim import Claim
from nodescope.works.judging import BOUND_RULE, SIGN_RULE, Judgement, judge_all, judge_bounds, judge_sign

#: "Differ": the standard deviation between channels is at least this share of their mean.
DIFFERS = 0.1

#: How far a channel's values lie apart from sample to sample.
RANGE = pl.col("q3") - pl.col("q1")

#: The same beside their size: the quartile coefficient of dispersion (Bonett 2006; *ours*, the source has no number). The
#: values are at least 0, so that it lies in [0, 1] however small they are, where a share of the median, which is near 0 in
#: a net that fits most samples, has no bound. Null of a channel with both quartiles at 0.
DISPERSION = pl.when(pl.col("q1") + pl.col("q3") > 0).then(RANGE / (pl.col("q1") + pl.col("q3")))


def channels_differ(tables: Tables) -> Judgement:
    """Coefficient of variation between the channels of a layer: of their medians, and of their interquartile ranges.

    Of n values that are at least 0 it is at most the root of n; null where all are 0.
    """
    boxes = _boxes(tables)
    return judge_all(
        judge_bounds(as_cases(per_net(boxes, _share(value.std(), value.mean()), "quantity", "layer")), low=DIFFERS)
        for value in (pl.col("median"), RANGE)
    )


def emission_varies_more(tables: Tables) -> Judgement:
    """Quartile coefficient of dispersion, averaged over the channels of a layer: emission less absorption."""
    spread = per_net(_boxes(tables), DISPERSION.mean(), "quantity", "layer")
    return judge_sign(as_cases(change(spread, "quantity", "emission", "absorption")))


def _boxes(tables: Tables) -> pl.DataFrame:
    """Of trained networks: those trained here, or started from a file of weights."""
    trained = need(
        tables, "local_gradients", (pl.col("state") == "trained") | pl.col("weights_file").is_not_null(),
        what="trained networks",
    ).filter(pl.col("state") == pl.col("state").last())  # fmt: skip
    if "initialisation" not in trained.columns:
        return trained
    drawn = ~pl.col("initialisation").is_in(["ones", "zeros"])  # there all channels are the same
    return need({"local_gradients": trained}, "local_gradients", drawn, what="networks whose weights were drawn")


def _share(value: pl.Expr, of: pl.Expr) -> pl.Expr:
    return pl.when(of > 0).then(value / of)


CLAIMS = (
    Claim(
        name="channels_differ",
        place="figure 4",
        statement="Channels differ in the median and the variance of their emission and absorption.",
        statistic="standard deviation over mean, between the channels of a layer: of their medians; and of their "
        "interquartile ranges",
        rule=BOUND_RULE.format(value="each of the two", bound=f"at least {DIFFERS:g}"),
        charts=("local_gradients",),
        judge=channels_differ,
        of_any_data=True,
    ),
    Claim(
        name="emission_varies_more",
        place="figure 4",
        statement="Emission varies more than absorption.",
        statistic="interquartile range over the sum of both quartiles, averaged over the channels of a layer: emission "
        "less absorption",
        rule=SIGN_RULE.format(value="the difference"),
        charts=("local_gradients",),
        judge=emission_varies_more,
        of_any_data=True,
    ),
)
