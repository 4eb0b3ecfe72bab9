"""The families of networks that a study may use, known without building one. Imports no torch.

Every module of this package that has a ``FAMILY`` declares a family; its network lies in ``nodescope.networks`` under the
same name. The configuration, the plan, what jobs ask of a cluster and the table of layers take what they need to know of
a network from here, and the network takes its sizes from here too. A test builds every family and compares each number.
"""

from importlib import import_module
from pkgutil import iter_modules

from nodescope.families.family import Family

_MODULES = [import_module(f"{__name__}.{module.name}") for module in iter_modules(__path__)]

#: By their names in the configuration, in paths and in tables.
FAMILIES: dict[str, Family] = {module.FAMILY.name: module.FAMILY for module in _MODULES if hasattr(module, "FAMILY")}

for _module in _MODULES:
    if hasattr(_module, "FAMILY") and _module.__name__ != f"{__name__}.{_module.FAMILY.name}":
        raise ImportError(f"{_module.__file__}: the family {_module.FAMILY.name!r} must be called as its module is")
