"""The page that says what is kept."""

import re
from pathlib import Path

import httpx2
import pytest

from app.config.settings import Settings
from app.storage.schema import metadata
from app.transport.pages.privacy import statement
from tests.support.server import ServerProcess, running


def test_it_is_a_page_and_json_when_asked(server: ServerProcess) -> None:
    page = httpx2.get(f"{server.base}/privacy", headers={"accept": "text/html,application/json;q=0.9"})
    assert page.headers["content-type"].startswith("text/html")
    assert "90 days after the session&#x27;s last event" in page.text
    assert "{{" not in page.text
    said = httpx2.get(f"{server.base}/privacy", headers={"accept": "application/json"}).json()
    assert said["retention_days"] == 90
    assert {row["what"] for row in said["kept"]} >= {"Events", "Sessions", "Keys"}


def test_it_says_what_is_set(tmp_path: Path) -> None:
    with running(tmp_path, SESSIONMOOD_RETENTION_DAYS=7, SESSIONMOOD_HELP_HOLDOUT=0.25) as server:
        text = httpx2.get(f"{server.base}/privacy").text
        assert "7 days after" in text
        assert "25% of the sessions" in text
    for_ever = statement(Settings(retention_days=0))
    assert for_ever.retention_days is None
    assert "until somebody erases it" in {row.how_long for row in for_ever.kept}


def test_every_table_is_accounted_for() -> None:
    """Whoever adds a table must say on the page what it keeps."""
    told = {
        "sessions": "Sessions",
        "log": "Events",
        "snapshots": "Sessions",
        "changes": "Changes of mood",
        "histories": "How visits went",
        "elements": "What is usual for an element",
        "keys": "Keys",
        "secrets": "Signing secrets",
        "quotas": "Monthly counts",
        "quota_sessions": "Monthly counts",
        "wipes": None,  # how far an erasure has got
        "erase_requests": "Requests to erase",
        "clock": None,  # one row: when the clock was last believed
        "damages": "What cannot be read",
        "epochs": None,  # which history of the database this is
        "probe": None,  # one row that says writing works
    }
    assert set(metadata.tables) == set(told)
    kept = {row.what for row in statement(Settings()).kept}
    assert {name for name in told.values() if name} == kept


@pytest.mark.parametrize("page", ["/docs", "/privacy"])
def test_pages_find_their_stylesheet(server: ServerProcess, page: str) -> None:
    text = httpx2.get(server.base + page).text
    (sheet,) = re.findall(r'<link rel="stylesheet" href="([^"]+)">', text)
    assert "<style" not in text
    found = httpx2.get(server.base + sheet)
    assert (found.status_code, found.headers["content-type"].partition(";")[0]) == (200, "text/css")
