"""Which files of the package a job depends on: the modules that its entry modules import, and those that these import.

Snakemake gets them as inputs, so that an edit re-runs what it can affect; a saved training is kept for as long as none
of them changes. Import statements are found by a regular expression, since each job's Snakemake looks for them anew
and parsing the package would take longer than many jobs; a test holds the result against `ast`. Imports inside
functions count; those under ``if TYPE_CHECKING:`` do not.

Of a package whose modules `importlib` imports by a computed name (an f-string that begins with the package), those count
that are among the entry modules: a job that makes some analyses names them. Where none is, all of the package count.
"""

import hashlib
import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path

import nodescope

PACKAGE = "nodescope"

#: Files that a module reads, and modules that it finds by their place: patterns, relative to its folder.
DATA_FILES = {
    "nodescope.works.registry": ("*/__init__.py",),
    "nodescope.works.published_figures": ("*/figures.py",),
    "nodescope.works.differences": ("*/protocol.py",),
    "nodescope.works.claims": ("*/claims.py", "*/claims/*.py"),
    "nodescope.works.printed": ("*/measured.py", "*/printed/*.csv"),
    "nodescope.report.page": ("web/*",),
    "nodescope.report.scripts": ("web/scripts/*.js",),
}

_STATEMENT = re.compile(
    r"""^(?P<indent>[ \t]*)
    (?: (?P<checking>if[ ](?:typing\.)?TYPE_CHECKING:)
      | import[ ]+(?P<modules>nodescope[^#\n]*)
      | from[ ]+(?P<package>nodescope[\w.]*)[ ]+import[ ]*(?: \((?P<many>[^)]*)\) | (?P<names>[^#(\n]+) )
    )""",
    re.MULTILINE | re.VERBOSE,
)

_COMPUTED = re.compile(r"""import_module\(\s*f["'](nodescope[\w.]*)\.\{""")


def source_folder() -> Path:
    """The folder of the installed package."""
    return Path(nodescope.__file__).parent


def job_files(*entries: str) -> list[Path]:
    """The source files that a job depends on, and the data files that they read; sorted.

    Parameters
    ----------
    *entries
        Names of modules, as ``nodescope.stages.train``, or of whole packages with all files in their folders, as
        ``nodescope.works.pretorius.*``.

    Raises
    ------
    ModuleNotFoundError
        If the package has no such module.
    """
    folder = source_folder()
    modules: set[str] = set()
    files: set[Path] = set()
    for entry in entries:
        package = entry.removesuffix(".*")
        modules.add(package)
        if package != entry:
            inside = [path for path in module_path(package).parent.rglob("*") if path.is_file()]
            files.update(path for path in inside if path.suffix != ".pyc")
            modules.update(_name(path) for path in inside if path.suffix == ".py")
    for module in imported_modules(*modules):
        files.add(module_path(module))
        files.update(_data_files(module))
    return sorted(files, key=lambda path: path.relative_to(folder).as_posix())


def family_modules(family: str) -> list[str]:
    """The modules of a family of networks, which are imported by its name."""
    return [f"nodescope.families.{family}", f"nodescope.networks.{family}"]


def code_digest(*entries: str) -> str:
    """A digest of the files that a job depends on, and of their names."""
    digest = hashlib.sha256()
    folder = source_folder()
    for path in job_files(*entries):
        digest.update(f"{path.relative_to(folder).as_posix()} {path.stat().st_size}\n".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def imported_modules(*entries: str) -> set[str]:
    """The modules themselves, all of the package that they import, and the packages that these lie in."""
    found: set[str] = set()
    to_follow = set(entries)
    while to_follow:
        module = to_follow.pop()
        if module.endswith(".*"):
            package = module.removesuffix(".*")
            if not any(entry.rpartition(".")[0] == package for entry in entries):
                to_follow |= _modules_in(package) - found
            continue
        found.add(module)
        placed = {_name(path) for path in _data_files(module) if path.suffix == ".py"}
        to_follow |= (imports_of(module) | placed) - found
    return found | {parent for module in found for parent in _parents(module)}


def _parents(module: str) -> list[str]:
    parts = module.split(".")
    return [".".join(parts[:length]) for length in range(1, len(parts))]


@cache
def imports_of(module: str) -> frozenset[str]:
    """The modules that a module takes something from, at its head or in its functions; ``PACKAGE.*`` for a computed name.

    What a package only passes on (``from nodescope.datasets import PreparedDataset``) counts as taken from the module that
    has it: who reads a prepared data set does not depend on those that read images.
    """
    found: set[str] = set()
    for name, members in _statements(module_path(module).read_text(encoding="utf-8")):
        if not members:  # of ``import name``, or a computed name
            found.add(name)
        for member in members:
            submodule = f"{name}.{member}"
            found.add(submodule if _path(submodule) is not None else _passed_on(name).get(member, name))
    return frozenset(found)


@cache
def _passed_on(package: str) -> dict[str, str]:
    """The names that a package takes from its modules, and which."""
    path = module_path(package)
    if path.name != "__init__.py":
        return {}
    statements = _statements(path.read_text(encoding="utf-8"))
    return {member: name for name, members in statements for member in members if name.startswith(f"{package}.")}


def _statements(text: str) -> Iterable[tuple[str, list[str]]]:
    """Names of modules in import statements, each with the names that are taken from it."""
    yield from ((f"{package}.*", []) for package in _COMPUTED.findall(text))
    hidden_until = 0
    for match in _STATEMENT.finditer(text):
        if match.start() < hidden_until:
            continue
        if match["checking"]:
            # To the next line that is not indented further.
            end = re.compile(rf"^(?!{match['indent']}[ \t]+\S|[ \t]*$)", re.MULTILINE).search(text, match.end() + 1)
            hidden_until = end.start() if end else len(text)
        elif match["modules"]:
            yield from ((name.split(" as ")[0].strip(), []) for name in match["modules"].split(","))
        else:
            names = re.sub(r"#.*", "", match["many"] or match["names"])
            members = [name.split(" as ")[0].strip() for name in names.split(",")]
            yield match["package"], [member for member in members if member]


def _data_files(module: str) -> list[Path]:
    patterns = DATA_FILES.get(module, ())
    return [path for pattern in patterns for path in module_path(module).parent.glob(pattern) if path.is_file()]


def _modules_in(package: str) -> set[str]:
    return {_name(path) for path in module_path(package).parent.glob("*.py")}


def _name(path: Path) -> str:
    """The name of the module in a file."""
    inner = path.relative_to(source_folder()).with_suffix("").parts
    return ".".join((PACKAGE, *inner)).removesuffix(".__init__")


def module_path(module: str) -> Path:
    """The source file of a module of the package.

    Raises
    ------
    ModuleNotFoundError
        If there is none.
    """
    path = _path(module)
    if path is None:
        raise ModuleNotFoundError(f"nodescope has no module {module}")
    return path


@cache
def _path(module: str) -> Path | None:
    package, _, inner = module.partition(".")
    if package != PACKAGE:
        return None
    stem = source_folder().joinpath(*inner.split(".")) if inner else source_folder()
    return next((path for path in (stem / "__init__.py", stem.with_name(f"{stem.name}.py")) if path.is_file()), None)
