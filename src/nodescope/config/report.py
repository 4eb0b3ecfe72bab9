"""Section ``report``: the page."""

from pydantic import (
    Field,
)

from nodescope.config.fields import Section


class Report(Section):
    """The page that shows everything."""

    title: str = Field("What does each hidden node do?", min_length=1, max_length=200, description="of the page")
