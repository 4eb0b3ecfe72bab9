"""Section ``report``: the page."""

from pydantic import (
    Field,
)

from nodescope.config.fields import Section


class Report(Section):
    """The report."""

    title: str = Field(
        "What does each hidden node do?", min_length=1, max_length=200, description="title of the report"
    )
