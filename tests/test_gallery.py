"""The gallery's data and code: what it says of itself is true, and one page is acted end to end."""

import json
import math
import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.gallery import items as data
from benchmarks.gallery import report, tools
from benchmarks.gallery.hands import problems
from benchmarks.gallery.items import Item
from benchmarks.gallery.run import Visit
from benchmarks.gallery.tools import TOOLS, Verdict
from tests.support.server import ROOT

ITEMS = data.read()


def test_the_gallery_is_as_large_as_it_must_be() -> None:
    truths = [item.truth for item in ITEMS]
    for truth, count in data.SMALLEST.items():
        assert truths.count(truth) >= count
    assert len({item.library for item in ITEMS}) >= 15


@pytest.mark.parametrize(
    "folder", [data.PAGES, data.FRESH, data.LATEST, data.THIRD], ids=lambda folder: folder.name
)
def test_every_item_can_be_acted_and_lies_on_a_page_that_exists(folder: Path) -> None:
    for item in data.read(folder):
        assert problems(item.action) == [], item.name
        assert item.selector, item.name
        assert any((folder / f"{item.page}{ending}").exists() for ending in (".html", ".js", ".jsx")), (
            item.page
        )


def test_a_page_with_a_mistake_is_named(tmp_path: Path) -> None:
    (tmp_path / "bad.json").write_text('{"library": "x", "wroking": []}')
    with pytest.raises(ValueError, match=r"bad\.json.*wroking"):
        data.read(tmp_path)


def test_wilson_intervals_are_those_of_the_tables() -> None:
    # 10 of 100: Newcombe 1998, table I; nothing of 50: z² / (n + z²)
    ten = report.share(10, 100)
    assert (round(ten.low, 3), round(ten.high, 3)) == (0.055, 0.174)
    none = report.share(0, 50)
    assert none.low == 0
    assert math.isclose(none.high, 1.959964**2 / (50 + 1.959964**2), abs_tol=1e-4)


@pytest.mark.parametrize(
    ("tool", "body", "expected"),
    [
        (
            "posthog",
            '{"batch": [{"event": "$dead_click"}, {"event": "$rageclick"}]}',
            Verdict(dead=1, rage=1),
        ),
        (
            "datadog",
            '{"type": "action", "action": {"id": "1", "frustration": {"type": ["dead_click"]}}}\n'
            '{"type": "action", "action": {"id": "2", "frustration": {"type": []}}}',
            Verdict(dead=1),
        ),
        (
            "sentry",
            '{"category": "ui.slowClickDetected", "data": {"endReason": "timeout", "clickCount": 4}}',
            Verdict(dead=1, rage=1),
        ),
        (
            "sentry",
            '{"category": "ui.slowClickDetected", "data": {"endReason": "mutation", "clickCount": 1}}',
            Verdict(slow=1),
        ),
        ("amplitude", '{"events": [{"event_type": "[Amplitude] Rage Click"}]}', Verdict(rage=1)),
        (
            "splunk",
            '{"attributes": [{"key": "frustration_type", "value": {"stringValue": "rage"}}]}',
            Verdict(rage=1),
        ),
        ("mixpanel", "data=%5B%7B%22event%22%3A%22%24mp_dead_click%22%7D%5D", Verdict(dead=1)),
        ("newrelic", '{"ins": [{"eventType": "UserAction", "deadClick": true}]}', Verdict(dead=1)),
        (
            "sessionmood",
            '{"events": [{"type": "response", "value": 1500}]}',
            Verdict(answered=1500.0, slow=1),
        ),
    ],
)
def test_what_a_tool_sends_is_understood(tool: str, body: str, expected: Verdict) -> None:
    assert TOOLS[tool].read([("", body.encode())]) == expected


def test_wrong_is_what_the_docs_call_wrong() -> None:
    def told(truth: str, **verdict: float) -> str:
        item = Item("p", "l", "#x", "click", truth)
        return report.wrong(Visit(item, "sessionmood", Verdict(**verdict)))  # type: ignore[arg-type]

    assert told("dead") == "missed"
    assert told("dead", rage=1) == ""
    assert told("working", dead=1) == "told dead"
    assert told("benign", card=900.0) == "told card"
    assert told("slow", slow=1) == ""
    assert told("slow", dead=1) == "told dead"


def test_the_committed_result_names_every_tool_and_its_version() -> None:
    found = report.kept()["gallery"]
    assert [row.tool for row in found.tools] == ["sessionmood", *tools.PEERS]
    assert all(row.version for row in found.tools if row.tool != "sessionmood")


@pytest.mark.browser
@pytest.mark.slow
def test_a_page_is_acted_end_to_end(tmp_path: Path) -> None:
    only = [
        part for name in ("#dead [click 4]", "#add [click 4]", "#text [select]") for part in ("--only", name)
    ]
    command = [
        sys.executable,
        "-m",
        "benchmarks.gallery",
        "--tool",
        "sessionmood",
        "--library",
        "plain",
        *only,
    ]
    ran = subprocess.run(
        [*command, "--folder", str(tmp_path)],
        cwd=ROOT, env={**os.environ, "GALLERY_QUICK": ""}, capture_output=True, text=True, timeout=170, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    visits = [json.loads(line) for line in (tmp_path / "visits.jsonl").read_text().splitlines()]
    by_action = {(visit["item"]["selector"], visit["failed"]): visit["verdict"] for visit in visits}
    dead, add, text = (by_action[selector, ""] for selector in ("#dead", "#add", "#text"))
    assert dead["rage"] == 1
    assert dead["card"] is not None
    assert add["answered"] is not None
    assert (add["dead"], add["rage"]) == (0, 0)
    assert (text["dead"], text["rage"], text["card"]) == (0, 0, None)
    assert "| sessionmood | 0 of 1" in ran.stdout
