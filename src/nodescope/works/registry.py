"""The published works: every package in the folder of this module. Imports nothing heavy: the configuration looks here."""

from collections.abc import Iterable
from importlib import import_module
from pkgutil import iter_modules

from nodescope import works
from nodescope.works.work import Work


def _find() -> dict[str, Work]:
    packages = sorted(module.name for module in iter_modules(works.__path__, f"{works.__name__}.") if module.ispkg)
    return {work.name: work for work in (import_module(package).WORK for package in packages)}


#: By the names that the configuration gives them.
WORKS: dict[str, Work] = _find()


def works_of(names: Iterable[str]) -> tuple[Work, ...]:
    """The works of a configuration, in its order."""
    return tuple(WORKS[name] for name in names)
