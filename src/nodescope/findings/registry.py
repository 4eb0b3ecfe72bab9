"""Which findings there are, from what the modules of the catalogue declare. Imports nothing heavy."""

from collections.abc import Collection
from functools import cache
from pathlib import Path

from nodescope.findings.finding import CHAPTERS, Finding
from nodescope.study.declarations import declared_literals

CATALOGUE = Path(__file__).parent / "catalogue"


def declaration(path: Path) -> Finding:
    """What a module of the catalogue declares.

    Raises
    ------
    TypeError
        If it has no ``FINDING = Finding(...)`` of literals, or one that does not fit `Finding`.
    """
    literals = declared_literals(path, "FINDING", "Finding")
    if literals is None:
        raise TypeError(
            f"{path} has no `FINDING = Finding(...)`. Hint: every module of the catalogue declares its finding so."
        )
    finding = Finding(**literals, name=path.stem)
    if finding.chapter not in CHAPTERS:
        raise TypeError(f"{path}: the chapter '{finding.chapter}' is none of {', '.join(CHAPTERS)}")
    return finding


def declared(catalogue: Path = CATALOGUE) -> dict[str, Finding]:
    """The findings of a catalogue by name, those first that matter most."""
    findings = [declaration(path) for path in catalogue.glob("*.py") if path.stem != "__init__"]
    findings.sort(key=lambda finding: (finding.rank, finding.name))
    return {finding.name: finding for finding in findings}


@cache
def registered() -> dict[str, Finding]:
    """All findings by name, those first that matter most; read where they are asked for, since few jobs do."""
    return declared()


def findings_of(tables: Collection[str]) -> list[Finding]:
    """The findings that a study with these collected tables has."""
    return [finding for finding in registered().values() if set(finding.tables) <= set(tables)]
