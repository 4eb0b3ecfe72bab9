"""The package is layered: no circle among its modules, and no import from a package above.

Imports inside functions count; those under ``if TYPE_CHECKING:`` do not.
"""

import ast
from functools import cache
from pathlib import Path

import nodescope

SOURCES = Path(nodescope.__file__).parent

#: The packages from bottom to top. A module imports from its own package and those below it.
ORDER = (
    "messages",
    "numerics",
    "storage",
    "config.fields",
    "config.analysis_fields",
    # What is declared: families of networks, analyses, works.
    "families",
    "analyses",
    "works.work",
    "works.registry",
    "config",
    "study",
    "jobs",
    "datasets",
    "networks",
    "estimates",
    "recording",
    "measuring",
    "training",
    "following",
    "findings",
    "works",
    "charts",
    "report",
    "notebook",
    "stages",
    "project",
    "workflow",
    "__main__",
)


def modules():
    """The modules of the package, by their names below it."""
    found = {}
    for path in sorted(SOURCES.rglob("*.py")):
        parts = path.relative_to(SOURCES).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        found[name] = path
    return found


MODULES = modules()


def imports_of(name):
    """The modules that a module imports, by their names below the package."""
    found = set()
    to_look_at = [ast.parse(MODULES[name].read_text(encoding="utf-8"))]
    while to_look_at:
        node = to_look_at.pop()
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            to_look_at += node.orelse
            continue
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            of_package = [f"{node.module}.{alias.name}" for alias in node.names]
            known = [each for each in of_package if each.removeprefix("nodescope.") in MODULES]
            found |= set(known) | ({node.module} if len(known) < len(of_package) else set())
        to_look_at += ast.iter_child_nodes(node)
    below = {each.removeprefix("nodescope.") for each in found if each.startswith("nodescope.")}
    return (below & MODULES.keys()) - {name}


@cache
def imports():
    """The imports of every module."""
    return {name: imports_of(name) for name in MODULES}


def layer_of(name):
    """The entry of `ORDER` that a module belongs to: the longest that its name begins with."""
    fitting = [entry for entry in ORDER if f"{name}.".startswith(f"{entry}.")]
    return ORDER.index(max(fitting, key=len)) if fitting else None


def is_a_mere_folder(name):
    """Whether a package imports nothing itself: who looks into its folder depends on nothing above."""
    return MODULES[name].name == "__init__.py" and not imports()[name]


def circles(graph):
    """The strongly connected components of more than one node (Tarjan 1972)."""
    index, low, stack, found = {}, {}, [], []

    def visit(node):
        index[node] = low[node] = len(index)
        stack.append(node)
        for other in graph[node]:
            if other not in index:
                visit(other)
            if other in stack:
                low[node] = min(low[node], low[other])
        if low[node] == index[node]:
            component = [stack.pop()]
            while component[-1] != node:
                component.append(stack.pop())
            if len(component) > 1:
                found.append(sorted(component))

    for node in graph:
        if node not in index:
            visit(node)
    return found


def test_there_is_no_circle_among_the_modules():
    assert circles(imports()) == []


def test_no_module_imports_from_a_package_above_it():
    upward = [
        f"{name} ({ORDER[layer_of(name)]}) imports {other} ({ORDER[layer_of(other)]})"
        for name, others in imports().items()
        if name
        for other in sorted(others)
        if layer_of(other) > layer_of(name) and not is_a_mere_folder(other)
    ]
    assert upward == [], "\n".join(upward)


def test_every_module_lies_in_a_package_of_the_order():
    assert [name for name in MODULES if name and layer_of(name) is None] == []


def test_the_root_holds_the_public_face_and_the_workflow_alone():
    assert sorted(path.name for path in SOURCES.glob("*.py")) == ["__init__.py", "__main__.py", "workflow.py"]


def test_a_circle_and_an_import_from_above_would_be_found():
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}}) == [["a", "b", "c"]]
    assert circles({"a": {"b", "c"}, "b": {"c"}, "c": set()}) == []
    assert layer_of("config.study") > layer_of("config.fields") > layer_of("storage.tables")
    assert "families.layers" in imports()["families.family"]
