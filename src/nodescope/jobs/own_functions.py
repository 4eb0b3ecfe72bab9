"""Call functions of the user's own, from a file or a package, and say readably what goes wrong in them.

The function's folder is on ``sys.path`` only while its code runs, and modules from there leave ``sys.modules`` afterwards, so
that the ``utils.py`` of one study is not taken for that of another.
"""

import importlib
import importlib.util
import inspect
import os
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType, TracebackType
from typing import Any

from nodescope.jobs.own_sources import Place, is_installed, no_such_function, problem_with_function
from nodescope.messages.errors import FunctionError, NodescopeError
from nodescope.storage.files import file_stamp

_BY_NAME = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)


@dataclass(frozen=True)
class OwnFunction:
    """A function of the user's own, which is called as any other.

    Attributes
    ----------
    place : Place
    function : callable
    """

    place: Place
    function: Callable[..., Any]

    def __str__(self) -> str:
        return self.place.text

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        """Call it.

        Raises
        ------
        FunctionError
            If it raises; with file, line and the last line of the exception.
        """
        with own_code(self.place), _explained(f"{self.place.text} failed"):
            return self.function(*arguments, **named)

    def parameters(self) -> tuple[tuple[str, ...], bool]:
        """The names of the parameters that it takes by name, and whether it takes any other."""
        parameters = self._parameters()
        if parameters is None:
            return (), True
        takes_any = any(each.kind is inspect.Parameter.VAR_KEYWORD for each in parameters)
        return tuple(each.name for each in parameters if each.kind in _BY_NAME), takes_any

    def required(self) -> tuple[str, ...]:
        """The names of the parameters that have no default."""
        parameters = self._parameters() or []
        return tuple(each.name for each in parameters if each.kind in _BY_NAME and each.default is each.empty)

    def _parameters(self) -> list[inspect.Parameter] | None:
        try:
            return list(inspect.signature(self.function).parameters.values())
        except (TypeError, ValueError):  # of some functions written in C
            return None


def load_function(text: str, base: str | Path = "") -> OwnFunction:
    """Execute the file, or import the module, of a function.

    Parameters
    ----------
    text
        ``file.py:function`` or ``package.module:function``.
    base
        The folder that paths are relative to.

    Raises
    ------
    FunctionError
        If there is no such file or function, or the file cannot be executed.
    """
    place = Place.of(text, base)
    where = text.rpartition(":")[0]
    if place.file is not None and not place.file.is_file():
        raise FunctionError(problem_with_function(text, base))
    _forget_edited(place)
    with own_code(place), _explained(f"{where} cannot be executed"):
        module = _module(place)
    function = getattr(module, place.function, None)
    if function is None:
        raise FunctionError(no_such_function(place, _functions_in(module)))
    if not callable(function) or _is_network(function):
        raise FunctionError(
            f"{text} is not a function but {_a(type(function))}. Hint: write a function that returns it, as def build():"
        )
    return OwnFunction(place, function)


# --- the user's modules, while they are needed ---


@dataclass
class _State:
    """What the code of some folders has loaded so far, and when its files were written."""

    modules: dict[str, ModuleType]
    paths: list[str]
    stamps: dict[str, str]


_STATES: dict[tuple[Path, ...], _State] = {}


@contextmanager
def own_code(place: Place) -> Iterator[None]:
    """While the block runs, imports find the user's own modules; afterwards the process is as it was before."""
    state = _STATES.setdefault(place.folders, _State({}, [], {}))
    folders = [str(folder) for folder in place.folders]
    path_before, cwd, writes_bytecode = list(sys.path), Path.cwd(), sys.dont_write_bytecode
    sys.dont_write_bytecode = True  # into the user's folders
    # A file comes before what is installed, as the folder of a script does; a package in the working directory after it.
    before, after = (folders, []) if place.file else ([], folders)
    hidden = {name: sys.modules[name] for name in state.modules if name in sys.modules}
    sys.path[:] = [*before, *state.paths, *path_before, *after]
    known = {**sys.modules, **state.modules}
    sys.modules.update(state.modules)
    importlib.invalidate_caches()
    try:
        yield
    finally:
        own = {name: module for name, module in list(sys.modules.items())
               if known.get(name) is not module and _is_own(name, module, place)}  # fmt: skip
        sys.dont_write_bytecode = writes_bytecode
        state.modules.update(own)
        state.stamps |= {name: stamp for name, module in own.items() if (stamp := _stamp(module))}
        state.paths.extend(path for path in sys.path if path not in (*path_before, *folders, *state.paths))
        for name in state.modules:
            sys.modules.pop(name, None)
        sys.modules.update(hidden)
        sys.path[:] = path_before
        if Path.cwd() != cwd:
            os.chdir(cwd)


def _stamp(module: ModuleType) -> str | None:
    file = getattr(module, "__file__", None)
    return file_stamp(file) if file and Path(file).is_file() else None


def _forget_edited(place: Place) -> None:
    """Load what some folders hold anew where a file of it was edited, as in a notebook."""
    state = _STATES.get(place.folders)
    if state and any(_stamp(state.modules[name]) != stamp for name, stamp in state.stamps.items()):
        state.modules.clear()
        state.stamps.clear()


def _is_own(name: str, module: ModuleType, place: Place) -> bool:
    """Whether a module comes from the user's folders; virtual environments may lie in them, and nodescope itself."""
    if name.partition(".")[0] == __package__.partition(".")[0]:
        return False
    file = getattr(module, "__file__", None)
    paths = [file] if file else list(getattr(module, "__path__", []))
    return any(
        not is_installed(Path(path)) and any(Path(path).is_relative_to(folder) for folder in place.folders)
        for path in paths
    )


def _module(place: Place) -> ModuleType:
    """The module of a function, executed once for all functions in it."""
    if place.file is None:
        return importlib.import_module(place.module)
    name = place.module
    if name in sys.stdlib_module_names:
        name = f"own_{name}"
    if "." in name:
        return importlib.import_module(name)
    loaded = _STATES[place.folders].modules.get(name)
    if loaded is not None:
        return loaded
    spec = importlib.util.spec_from_file_location(name, place.file)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    other = sys.modules.get(name)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        sys.modules.pop(name, None)
        raise
    finally:
        if other is not None:
            sys.modules[name] = other
    state = _STATES[place.folders]
    state.modules[name] = module
    state.stamps[name] = file_stamp(place.file)
    return module


# --- what goes wrong ---


@contextmanager
def _explained(what: str) -> Iterator[None]:
    """An exception of the user's code as one message."""
    try:
        yield
    except NodescopeError:
        raise
    except SystemExit as error:
        raise FunctionError(
            f"{what}: it ended the program{_line(error.__traceback__)}. Hint: put what a script does under "
            'if __name__ == "__main__":'
        ) from error
    except SyntaxError as error:
        raise FunctionError(
            f"{what}: {type(error).__name__}: {error.msg} ({error.filename}, line {error.lineno})"
        ) from error
    except Exception as error:
        raise FunctionError(f"{what}: {last_line(error)}") from error


def last_line(error: Exception) -> str:
    """The last line of an exception, with file and line of the user's code."""
    return _short(traceback.format_exception_only(error)[-1].strip()) + _line(error.__traceback__)


def _line(trace: TracebackType | None) -> str:
    """The innermost line of the user's own code."""
    frames = [frame for frame in traceback.extract_tb(trace) if _is_users(frame.filename)]
    return f" ({frames[-1].filename}, line {frames[-1].lineno})" if frames else ""


def _is_users(filename: str) -> bool:
    path = Path(filename)
    return path.is_file() and not is_installed(path) and not path.is_relative_to(Path(__file__).parents[1])


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= 300 else text[:297] + "..."


def _functions_in(module: ModuleType) -> list[str]:
    own = {name: value for name, value in vars(module).items() if callable(value)}
    return [name for name, value in own.items() if getattr(value, "__module__", None) == module.__name__]


def _is_network(value: Any) -> bool:
    return any(kind.__module__ == "torch.nn.modules.module" for kind in type(value).__mro__)


def _a(kind: type) -> str:
    return f"{'an' if kind.__name__[0].lower() in 'aeiou' else 'a'} {kind.__name__}"
