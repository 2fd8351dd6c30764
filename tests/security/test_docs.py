"""docs/security.md names a test for each promise: each exists."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
PAGE = (ROOT / "docs" / "security.md").read_text()
NAMED = sorted(set(re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", PAGE)))


@pytest.mark.parametrize(("path", "name"), NAMED, ids=[name for _, name in NAMED])
def test_every_named_test_exists(path: str, name: str) -> None:
    tree = ast.parse((ROOT / path).read_text())
    assert name in {
        node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }


def test_every_point_of_the_lists_names_one() -> None:
    rows = [line for line in PAGE.split("## OWASP API")[1].splitlines() if line.startswith("| ")]
    points = [row for row in rows if not row.startswith(("| risk", "| point"))]
    assert len([row for row in points if re.match(r"\| API\d+ ", row)]) == 10
    assert len(points) > 20
    for row in points:
        assert "::" in row, row


def test_nothing_that_serves_fetches_an_address() -> None:
    """The rooms that serve open no connection of their own."""
    clients = {
        "urllib.request",
        "http.client",
        "httpx2",
        "httpx",
        "requests",
        "aiohttp",
        "websockets.sync.client",
    }
    for room in ("transport", "storage", "mood"):
        for path in (ROOT / "app" / room).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
                if isinstance(node, ast.ImportFrom):
                    names = [node.module or ""]
                assert not clients & set(names), path
