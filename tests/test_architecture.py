"""The house rules that a reader can rely on: who imports whom, and that the ground floor is pure."""

import ast
import graphlib
import re
from importlib import import_module
from pathlib import Path

import pytest

APP = Path(__file__).resolve().parent.parent / "app"
SCRIPT = APP.parent / "static" / "src"
MODULES = sorted(path for path in APP.rglob("*.py") if "migrations" not in path.parts)

#: room -> rooms it may import. A room is a folder or a module right under app/.
MAY_IMPORT: dict[str, set[str]] = {
    "mood": set(),
    "errors": set(),
    "counters": set(),
    "clock": set(),
    "compiled": set(),
    "config": {"mood"},
    "protocol": {"mood", "errors"},
    "sessions": {"mood", "errors"},
    "storage": {"errors"},
    "bus": set(),
    "auth": {"sessions", "storage", "config", "errors"},
    "ingest": {"protocol", "sessions", "mood", "storage", "bus", "counters", "errors"},
    "transport": {
        "ingest",
        "auth",
        "storage",
        "protocol",
        "sessions",
        "mood",
        "config",
        "counters",
        "errors",
    },
    "web": {"transport", "ingest", "auth", "storage", "bus", "sessions", "mood", "config", "clock", "errors"},
    "server": {"web", "transport", "auth", "protocol", "config", "counters", "errors"},
    "lab": {"ingest", "auth", "storage", "sessions", "mood", "config", "errors"},
    "cli": {"server", "lab", "ingest", "auth", "storage", "mood", "config", "errors"},
    "__init__": {"compiled"},
    "__main__": {"cli"},
}
#: Lines of a file at most.
LONGEST = 350
HOUSE = (APP.parent / "ARCHITECTURE.md").read_text().partition("\n## The house\n")[2].partition("\n## ")[0]
#: Below the line: no waiting, no clock, no I/O, no logging.
PURE = ("mood", "protocol", "sessions", "errors")
FORBIDDEN = {
    "asyncio",
    "time",
    "datetime",
    "random",
    "secrets",
    "logging",
    "os",
    "socket",
    "io",
    "pathlib",
    "threading",
}
GROUND = {"math", "collections", "typing", "dataclasses", "enum"}


def room(path: Path) -> str:
    return path.relative_to(APP).parts[0].removesuffix(".py")


def imports(path: Path) -> set[str]:
    """Dotted names that `path` imports anywhere, also inside functions."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            module = node.module or ""
            found |= {f"{module}.{alias.name}" for alias in node.names} if module == "app" else {module}
    return found


def test_every_room_has_its_place() -> None:
    assert {room(path) for path in MODULES} == set(MAY_IMPORT), "a room is not in the table, or is no more"


def test_the_page_shows_every_room_and_no_other() -> None:
    shown = set(re.findall(r"^ {4} *(\w+)(?:/|\.py) ", HOUSE, re.MULTILINE))
    leaves = re.search(r"^ {4}(config/ · .*?)  ", HOUSE, re.MULTILINE)
    assert leaves is not None
    shown |= {name.rstrip("/") for name in leaves[1].split(" · ")}
    assert shown == {name for name in MAY_IMPORT if not name.startswith("__")}


def test_no_rooms_import_each_other() -> None:
    done: set[str] = set()
    while fresh := {name for name in set(MAY_IMPORT) - done if MAY_IMPORT[name] <= done}:
        done |= fresh
    assert done == set(MAY_IMPORT), "a circle"


def needed(path: Path) -> set[str]:
    """Modules of ours that `path` imports anywhere, but for those that only its types name."""
    found: set[str] = set()
    stack: list[ast.AST] = [ast.parse(path.read_text())]
    while stack:
        node = stack.pop()
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue
        stack.extend(ast.iter_child_nodes(node))
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {f"{node.module}.{alias.name}" for alias in node.names} | {str(node.module)}
    return found


def test_no_modules_import_each_other() -> None:
    names = {
        ".".join(path.relative_to(APP.parent).with_suffix("").parts).removesuffix(".__init__"): path
        for path in MODULES
    }
    graph: dict[str, set[str]] = {}
    for name, path in names.items():
        wanted = {other for other in needed(path) & set(names) if other != name}
        # `from app.mood import engine` needs the module, not what the package's own file imports
        graph[name] = {
            other for other in wanted if not any(deeper.startswith(f"{other}.") for deeper in wanted)
        }
    try:
        list(graphlib.TopologicalSorter(graph).static_order())
    except graphlib.CycleError as error:
        pytest.fail(f"a circle: {' < '.join(error.args[1])}")


def test_no_scripts_import_each_other() -> None:
    sources = APP.parent / "static" / "src"
    graph = {
        path: {
            (path.parent / name).resolve()
            for name in re.findall(
                r'^(?:import|export)\b[^;]*?from "(\.[^"]+)"', path.read_text(), re.MULTILINE
            )
        }
        for path in sources.rglob("*.js")
    }
    assert sum(map(len, graph.values())) > 40
    try:
        list(graphlib.TopologicalSorter(graph).static_order())
    except graphlib.CycleError as error:
        pytest.fail(f"a circle: {' < '.join(path.name for path in error.args[1])}")


def test_no_file_is_longer_than_one_reads() -> None:
    long = {str(p.relative_to(APP)) for p in MODULES if len(p.read_text().splitlines()) > LONGEST}
    assert long == set(), "split these, by what changes for one reason"


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(APP)))
def test_imports_go_down_only(path: Path) -> None:
    here = room(path)
    for name in imports(path):
        if name.startswith("app.") and not name.startswith(("app.__", "app.COMPILED")):
            other = name.split(".")[1]
            assert other == here or other in MAY_IMPORT[here], f"{here} must not import {other}"


@pytest.mark.parametrize(
    "path", [p for p in MODULES if room(p) in PURE], ids=lambda p: str(p.relative_to(APP))
)
def test_below_the_line_nothing_waits_or_reads_a_clock(path: Path) -> None:
    assert not {name.split(".")[0] for name in imports(path)} & FORBIDDEN
    for node in ast.walk(ast.parse(path.read_text())):
        assert not isinstance(node, ast.Await | ast.AsyncFunctionDef | ast.AsyncFor | ast.AsyncWith)
        called = node.func if isinstance(node, ast.Call) else None
        assert not (isinstance(called, ast.Name) and called.id in ("open", "print", "input", "eval", "exec"))


@pytest.mark.parametrize("path", [p for p in MODULES if room(p) == "mood"], ids=lambda p: p.name)
def test_the_mood_engine_knows_nothing_but_itself(path: Path) -> None:
    for name in imports(path):
        assert name.startswith("app.mood") or name.split(".")[0] in GROUND, f"app/mood must not import {name}"


def test_the_environment_is_read_in_one_place() -> None:
    readers = [
        p
        for p in MODULES
        if re.search(r"os\.environ|getenv", p.read_text()) and room(p) not in ("cli", "config")
    ]
    assert readers == []


@pytest.mark.parametrize("path", sorted((APP.parent / "tests").rglob("*.py")), ids=lambda p: p.name)
def test_no_test_module_imports_another(path: Path) -> None:
    found = re.findall(r"^\s*from [\w.]*\.test_\w+ import", path.read_text(), re.MULTILINE)
    assert found == [], "what tests share lies in tests/support"


def test_the_scripts_modules_import_in_no_circle() -> None:
    named = re.compile(r'^(?:import|export) [^;]*from "(\.[^"]+)";', re.M)
    needs = {
        path: {(path.parent / name).resolve() for name in named.findall(path.read_text())}
        for path in SCRIPT.rglob("*.js")
    }
    assert all(path in needs for used in needs.values() for path in used)
    graphlib.TopologicalSorter(needs).prepare()  # raises CycleError


#: Calls between a frame that comes in and its ack.
MAX_HOPS = 30
WALK = (
    (APP.parent / "ARCHITECTURE.md")
    .read_text()
    .partition("## One event, walked through")[2]
    .partition("\n## ")[0]
)


def walked() -> list[str]:
    """The dotted names of the walk's steps, in order."""
    steps = [line for line in WALK.splitlines() if re.match(r"\d+\. ", line)]
    return [name for step in steps for name in re.findall(r"`([a-z_]+(?:\.\w+)+)`", step)]


def test_the_walk_is_short() -> None:
    assert walked()[0].startswith("server.")
    assert walked()[-1].startswith("server.")
    assert len(walked()) <= MAX_HOPS


def test_the_walk_names_what_there_is() -> None:
    for name in re.findall(r"`([a-z_]+(?:\.\w+)+)`", WALK):
        parts = name.split(".")
        depth = next(
            n for n in range(len(parts), 0, -1) if (APP.joinpath(*parts[:n]).with_suffix(".py")).exists()
        )
        found: object = import_module("app." + ".".join(parts[:depth]))
        for part in parts[depth:]:
            assert hasattr(found, part), f"ARCHITECTURE.md walks through {name}, which is not there"
            found = getattr(found, part)
