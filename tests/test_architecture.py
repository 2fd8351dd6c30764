"""The house rules that a reader can rely on: who imports whom, and that the ground floor is pure."""

import ast
import re
from pathlib import Path

import pytest

APP = Path(__file__).resolve().parent.parent / "app"
MODULES = sorted(path for path in APP.rglob("*.py") if "migrations" not in path.parts)

#: room -> rooms it may import. A room is a module or a package right under app/.
_WIRE = {
    "protocol",
    "malformed",
    "wire_events",
    "registry",
    "sessions",
    "producers",
    "mood",
    "limits",
    "errors",
}
MAY_IMPORT: dict[str, set[str]] = {
    "mood": set(),
    "errors": set(),
    "config": set(),
    "limits": set(),
    "malformed": {"errors"},
    "wire_events": {"mood", "errors"},
    "protocol": {"wire_events", "malformed", "mood", "errors"},
    "history": {"mood"},
    "producers": {"mood"},
    "sessions": {"elements", "history", "producers", "mood", "errors"},
    "registry": {"sessions", "mood"},
    "elements": {"mood"},
    "learning": {"elements", "storage", "errors"},
    "storage": {"errors"},
    "kept_history": {"history", "mood", "storage"},
    "auth": {"storage", "errors"},
    "model_file": {"mood", "config"},
    "recordings": {"mood", "errors"},
    "shadow": {"sessions", "recordings", "mood"},
    "clock": set(),
    "retention": {"storage", "errors"},
    "ingest": {*_WIRE, "elements", "kept_history", "storage", "counters"},
    "sweep": {"ingest", "registry", "sessions", "errors"},
    "transport": {
        *_WIRE,
        "history",
        "kept_history",
        "ingest",
        "counters",
        "storage",
        "auth",
        "config",
        "shadow",
    },
    "web": {
        *_WIRE,
        "transport",
        "sweep",
        "clock",
        "retention",
        "ingest",
        "learning",
        "storage",
        "auth",
        "config",
        "shadow",
        "model_file",
        "slow_lane",
    },
    "replay": {"recordings", "mood"},
    "spread": {"recordings", "mood"},
    "exporting": {"storage", "recordings", "mood", "errors"},
    "explaining": {"replay", "recordings", "mood"},
    "evaluation": {"replay", "recordings", "mood"},
    "tuning": {"evaluation", "replay", "recordings", "mood"},
    "simulate": {"recordings", "mood"},
    "doctor": {"simulate", "retention", "auth", "storage", "model_file", "config", "mood", "errors"},
    "announce": {"web", "counters"},
    "server": {"announce", "web", "config", "errors", "logs", "lines", "http_protocol", "socket_protocol"},
    "counters": set(),
    "logs": {"config"},
    "lines": {"config", "counters", "errors", "slow_lane"},
    "heads": {"errors", "protocol"},
    "frames": set(),
    "http_protocol": {"errors", "heads", "limits", "lines", "slow_lane"},
    "socket_protocol": {"errors", "frames", "limits", "lines", "protocol", "slow_lane"},
    "slow_lane": set(),
}
#: Below the line: no waiting, no clock, no I/O, no logging.
PURE = (
    "mood",
    "history",
    "malformed",
    "protocol",
    "elements",
    "producers",
    "sessions",
    "registry",
    "limits",
    "errors",
)
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


@pytest.mark.parametrize(
    "path", [p for p in MODULES if room(p) in MAY_IMPORT], ids=lambda p: str(p.relative_to(APP))
)
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
