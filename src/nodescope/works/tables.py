"""The tables of a study that is held against published works; see `nodescope.works.scoring`."""

from nodescope.storage.columns import Column, Quantity, Table, number_of

_VALUE = Quantity("value")
_ERROR = Quantity("standard error", range=(0.0, None))
_DIFFERENCE = Quantity("ours less published", format="+.4g")
_OF_NUMBER = "of the number; null where the work names none"

SCORECARD = Table(
    "scorecard",
    "Every number that the works print, beside ours.",
    (
        Column("work", "string", "as it is cited"),
        Column("place", "string", "where the number stands in the work"),
        Column("quantity", "string", "what the number is"),
        Column("dataset", "string", _OF_NUMBER),
        Column("depth", "int32", _OF_NUMBER),
        Column("width", "int32", _OF_NUMBER),
        Column("activation", "string", _OF_NUMBER),
        Column("batch_norm", "boolean", _OF_NUMBER),
        Column("initialisation", "string", _OF_NUMBER),
        Column("state", "string", _OF_NUMBER),
        Column("split", "string", _OF_NUMBER),
        Column("layer", "string", _OF_NUMBER),
        Column("published", "float64", "the number; of shares a fraction", Quantity("published")),
        Column("published_error", "float64", "its standard error; null where none is printed", _ERROR),
        Column(
            "last_digit", "float64", "one unit of its last printed digit", Quantity("last digit", range=(0.0, None))
        ),
        Column("remark", "string", "why the number is not scored; null where it is"),
        Column("ours", "float64", "mean over our seeds; null where it was not run", Quantity("ours")),
        Column("standard_error", "float64", "of ours; null for one seed", _ERROR),
        Column("seeds", "int32", "our seeds that have a value", number_of("seeds")),
        Column("difference", "float64", "ours less published", _DIFFERENCE),
        Column(
            "difference_errors", "float64", "the same in standard errors", Quantity("standard errors", format="+.2f")
        ),
        Column("interval_low", "float64", "lower end of the 95 % t interval of the difference", _DIFFERENCE),
        Column("interval_high", "float64", "its upper end", _DIFFERENCE),
        Column("p_value", "float64", "of the t test of no difference", Quantity("p", range=(0.0, 1.0), format=".2g")),
        Column("verdict", "string", "agrees, differs, cannot tell, not scored or not run"),
        Column("published_seeds", "int32", "seeds behind the printed standard error", number_of("seeds")),
        Column("unit", "string", "% of a share, otherwise empty"),
    ),
    keys="none",
)

CLAIMS = Table(
    "claims",
    "Every claim of the works, with the verdict of the study.",
    (
        Column("claim", "string", "its short name"),
        Column("work", "string", "as it is cited"),
        Column("place", "string", "where the claim stands in the work"),
        Column("statement", "string", "the claim"),
        Column("verdict", "string", "holds, does not hold, cannot tell or not run"),
        Column("statistic", "float64", "what `measure` says", _VALUE),
        Column("standard_error", "float64", "over the seeds; null for one", _ERROR),
        Column("interval_low", "float64", "lower end of its 95 % t interval", _VALUE),
        Column("interval_high", "float64", "its upper end", _VALUE),
        Column("seeds", "int32", "seeds that have a value", number_of("seeds")),
        Column("cases", "int32", "comparisons that the claim makes", number_of("cases")),
        Column("evidence", "string", "what decided, in words"),
        Column("measure", "string", "what the statistic is"),
        Column("rule", "string", "from what the verdict follows"),
        Column("charts", "string", "charts to look at"),
    ),
    keys="none",
)

DIFFERENCES = Table(
    "differences",
    "Every setting in which the study departs from the protocol of a work.",
    (
        Column("work", "string", "as it is cited"),
        Column("what", "string", "the setting"),
        Column("published", "string", "its value in the work"),
        Column("ours", "string", "its value in the study"),
        Column("effect", "string", "what the difference may do"),
    ),
    keys="none",
)

TABLES = (SCORECARD, CLAIMS, DIFFERENCES)
