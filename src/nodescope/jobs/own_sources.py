"""The source files behind a function of the user's own: the file, and what it imports from its folder or package.

They are inputs of the jobs that call it, so that an edit re-runs what it can affect. Files are parsed and never executed.
Of an installed package, pip's list of its files with their digests (``RECORD``) stands for all of them.
"""

import ast
import difflib
import hashlib
import importlib.machinery
import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

#: Folders of installed packages.
INSTALLED = frozenset({"site-packages", "dist-packages"})


@dataclass(frozen=True)
class Place:
    """Where a function of the user's own stands.

    Attributes
    ----------
    text : str
        As the user wrote it: ``my_net.py:build`` or ``package.module:build``.
    function : str
    file : Path or None
        The source file, where one was named.
    module : str
        The name of the module: of a file in a package, within it.
    folders : tuple of Path
        The folders that its imports are looked up in, beside the installed packages.
    """

    text: str
    function: str
    file: Path | None
    module: str
    folders: tuple[Path, ...]

    @classmethod
    def of(cls, text: str, base: str | Path = "") -> "Place":
        """From its text; paths are relative to ``base``."""
        where, _, function = text.rpartition(":")
        base = Path(base).absolute()
        if not where.endswith(".py"):
            return cls(text, function, None, where, (base,))
        file = base / where
        root, names = file.parent, [file.stem]
        while (root / "__init__.py").is_file():
            names.insert(0, root.name)
            root = root.parent
        # A file in a package may import as the package does, or as a script in its folder does.
        return cls(text, function, file, ".".join(names), tuple(dict.fromkeys((file.parent, root))))


def source_files(text: str, base: str | Path = "") -> list[Path]:
    """The source files that a function depends on, sorted; what is not there is left out.

    Parameters
    ----------
    text
        ``file.py:function`` or ``package.module:function``.
    base
        The folder that paths are relative to.
    """
    place = Place.of(text, base)
    if place.file is None:
        installed = _installed(place.module)
        if installed:
            return sorted(installed)
    found: set[Path] = set()
    to_follow = {place.file} if place.file else set(_files_of(place.module, place.folders))
    while to_follow:
        path = to_follow.pop()
        if path.is_file():
            found.add(path)
            to_follow |= set(_imported(path, place.folders)) - found
    return sorted(found)


def sources_digest(texts: Iterable[str], base: str | Path = "") -> str:
    """A digest of the contents of the source files that functions depend on."""
    digest = hashlib.sha256()
    for path in sorted({path for text in texts for path in source_files(text, base)}):
        digest.update(f"{path.name} {path.stat().st_size}\n".encode("utf-8", "surrogateescape"))
        digest.update(path.read_bytes())
    return digest.hexdigest()


def problem_with_function(text: str, base: str | Path = "") -> str | None:
    """Why a function cannot be called, as far as its file tells without being executed; None where nothing is wrong.

    >>> problem_with_function("no_such_file.py:build")
    'there is no file no_such_file.py. Hint: the path is relative to the working directory'
    """
    place = Place.of(text, base)
    where = text.rpartition(":")[0]
    if place.file is None:
        return None  # found when it is imported
    if not place.file.is_file():
        return f"there is no file {where}{_nearest_file(place.file)}"
    try:
        tree = ast.parse(place.file.read_bytes())
    except SyntaxError as error:
        return f"{where} cannot be executed: {type(error).__name__}: {error.msg} (line {error.lineno})"
    except (ValueError, RecursionError, MemoryError, OSError) as error:
        return f"{where} cannot be executed: {error}"
    functions = [node.name for node in tree.body if isinstance(node, _DEFINITIONS)]
    if place.function in functions or any(_may_define(node, place.function) for node in ast.walk(tree)):
        return None
    return no_such_function(place, functions)


_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


def _may_define(node: ast.AST, name: str) -> bool:
    """Whether a statement may give the module something of this name."""
    if isinstance(node, (ast.Import, ast.ImportFrom)):
        return any(alias.name == "*" or (alias.asname or alias.name) == name for alias in node.names)
    is_name = isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) and node.id == name
    return is_name or (isinstance(node, _DEFINITIONS) and node.name == name)


def no_such_function(place: Place, names: list[str]) -> str:
    """What is said of a function that its file or module does not have."""
    where = place.text.rpartition(":")[0]
    names = [name for name in names if not name.startswith("_")]
    close = difflib.get_close_matches(place.function, names, n=1)
    meant = f"; did you mean '{close[0]}'?" if close else "."
    return f"{where} has no function '{place.function}'{meant} It has: {', '.join(names) or 'no function'}"


def _nearest_file(file: Path) -> str:
    names = [path.name for path in file.parent.glob("*.py")] if file.parent.is_dir() else []
    close = difflib.get_close_matches(file.name, names, n=1)
    return f"; did you mean {close[0]}?" if close else ". Hint: the path is relative to the working directory"


def is_installed(path: Path) -> bool:
    """Whether a file belongs to Python or an installed package."""
    return not INSTALLED.isdisjoint(path.parts) or path.is_relative_to(Path(ast.__file__).parent)


def _imported(path: Path, folders: tuple[Path, ...]) -> Iterator[Path]:
    """The files in some folders that a source file imports."""
    try:
        tree = ast.parse(path.read_bytes())
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return  # said when it is executed
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield from _files_of(alias.name, folders)
        elif isinstance(node, ast.ImportFrom):
            names = [alias.name for alias in node.names]
            if node.level:
                inside = path.parents[node.level - 1] if node.level <= len(path.parents) else path.parent
                start = [node.module] if node.module else []
                for name in names:
                    yield from _files_of(".".join([*start, name]), (inside,))
                yield from (init for init in [inside / "__init__.py"] if init.is_file())
            else:
                for name in names:
                    yield from _files_of(f"{node.module}.{name}", folders)


def _files_of(name: str, folders: tuple[Path, ...]) -> Iterator[Path]:
    """The files of a module in some folders, and of the packages that it lies in; of a name in a module, the module."""
    for folder in folders:
        path, found = folder, False
        for part in name.split("."):
            path = path / part
            candidates = [each for each in (path / "__init__.py", path.with_name(f"{part}.py")) if each.is_file()]
            if not candidates and not path.is_dir():
                break
            yield from (each for each in candidates[:1] if not is_installed(each))
            found = found or bool(candidates)
        if found:
            return


def _installed(module: str) -> list[Path]:
    """The file of a module of an installed package, and the package's list of files; empty where it is not installed.

    Nothing is imported.
    """
    top, *inner = module.split(".")
    spec = importlib.machinery.PathFinder.find_spec(top, sys.path)
    locations = list(spec.submodule_search_locations or []) if spec else []
    origins = (
        [Path(spec.origin)] if spec and spec.origin else [Path(location) / "__init__.py" for location in locations]
    )
    if not origins or not is_installed(origins[0]):
        return []
    path = origins[0]
    for location in locations:
        stem = Path(location, *inner)
        path = next(
            (each for each in (stem / "__init__.py", stem.with_name(f"{stem.name}.py")) if each.is_file()), path
        )
    return [path, *_records(top, Path(locations[0]).parent if locations else path.parent)]


def _records(top: str, folder: Path) -> list[Path]:
    """pip's lists of the files of the distribution that a package came with."""
    lists = sorted(folder.glob("*.dist-info/RECORD"))
    normal = re.sub("[-_.]+", "-", top).lower()
    named = [path for path in lists if re.sub("[-_.]+", "-", path.parent.name.split("-")[0]).lower() == normal]
    return named or [path for path in lists if f"\n{top}/" in "\n" + path.read_text("utf-8", errors="replace")]
