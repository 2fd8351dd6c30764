"""What an operator reads: the log, the metrics, docs/operating.md."""

import json
import re
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from app import __version__
from app.counters import Counters
from app.server.announce import BURST, BURST_EVERY, Bursts, Standstills
from tests.cli.running import ROOT, sessionmood
from tests.support.metrics import metrics
from tests.support.server import ServerProcess, running, wait_until

PAGE = ROOT / "docs" / "operating.md"
JSON = {"SESSIONMOOD_LOG_FORMAT": "json", "SESSIONMOOD_LONGEST_HOLD": 0, "SESSIONMOOD_HELP_WARMUP": 0}


@pytest.fixture(scope="module")
def stopped(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[ServerProcess, dict[str, float]]]:
    """A server that logged JSON through its first start, a burst of refusals, and a stop; its metrics before that."""
    with running(tmp_path_factory.mktemp("json"), **JSON, SESSIONMOOD_RETENTION_DAY=3) as server:
        for kind in ("shown", "dismissed", "teleported"):
            server.post("s", {"type": "help", "kind": kind, "name": "h1"})
        wait_until(lambda: refused_in_a_burst(server), 120, "the line about refusals")
        types = re.findall(r"^# TYPE (\S+)", server.get("/metrics").text, re.MULTILINE)
        counted = dict.fromkeys(types, 0.0) | metrics(server)  # also those that have no sample yet
        assert server.stop() == 0
        yield server, counted


def refused_in_a_burst(server: ServerProcess) -> bool:
    """Have it refuse a burst; whether it told of one. Two windows may share it on a slow machine."""
    for _ in range(BURST):
        server.post("s", {"type": "click"}, key="sk_wrong")
    return " refusals within" in server.output()


def lines(server: ServerProcess) -> list[dict[str, Any]]:
    """Every line that the server wrote, on either output: all of them are JSON."""
    return [json.loads(line) for line in server.output().splitlines()]


def test_every_line_is_json_from_the_first_on(stopped: tuple[ServerProcess, dict[str, float]]) -> None:
    server, _ = stopped
    written = lines(server)
    for line in written:
        assert {"at", "level", "logger", "message"} <= set(line)
    (keys,) = [line for line in written if "secret" in line]
    assert (keys["secret"], keys["publishable"]) == (server.sk, server.pk)
    (address,) = [line for line in written if "address" in line]
    assert (address["address"], address["demo"]) == (server.base, f"{server.base}/demo")
    rest = json.dumps([line for line in written if line is not keys])
    assert not re.search(r"[sp]k_[A-Za-z0-9_-]{8}", rest)


def test_a_life_in_lines(stopped: tuple[ServerProcess, dict[str, float]]) -> None:
    server, _ = stopped
    written = lines(server)
    (started,) = [line for line in written if line["message"].startswith("started:")]
    assert (started["version"], started["listening"]) == (__version__, f"127.0.0.1:{server.port}")
    assert started["database"] == f"sqlite:///{server.database}"
    assert started["sockets"] > 0
    order = ["did you mean", "started:", "refusals within", "SIGTERM: stopping", "drained in", "stopped in"]
    found = [next(i for i, line in enumerate(written) if text in line["message"]) for text in order]
    assert found == sorted(found)
    burst = next(line for line in written if "refusals within" in line["message"])
    assert sum(burst["refusals"].values()) >= BURST
    assert "bad_key (rest)" in burst["refusals"]
    assert not [line for line in written if "bad_key" in line["message"] and "within" not in line["message"]]


def test_a_start_that_fails_is_json_too(tmp_path: Path) -> None:
    for url in ("mysql://x", f"sqlite:///{tmp_path}"):
        ran = sessionmood("serve", PORT="0", SESSIONMOOD_LOG_FORMAT="json", DATABASE_URL=url)
        assert ran.code in (2, 3)
        assert all(json.loads(line)["message"] for line in (ran.out + ran.err).splitlines())


def test_moods_and_what_came_of_help_are_counted(stopped: tuple[ServerProcess, dict[str, float]]) -> None:
    _, counted = stopped
    assert counted["sessionmood_moods_total{mood=frustrated}"] == 0
    assert sum(n for name, n in counted.items() if name.startswith("sessionmood_moods_total")) >= 1
    assert counted["sessionmood_help_total{outcome=shown}"] == 1
    assert counted["sessionmood_help_total{outcome=dismissed}"] == 1
    assert counted["sessionmood_help_total{outcome=held_out}"] == 0
    assert not any("teleported" in name for name in counted)
    assert counted["sessionmood_refusals_total{code=bad_key,door=rest}"] >= BURST
    assert counted["sessionmood_database_bytes"] > 0
    assert counted["sessionmood_disk_free_bytes"] > 0
    assert any(name.startswith("sessionmood_build_info") and __version__ in name for name in counted)


def test_every_metric_of_the_page_exists(stopped: tuple[ServerProcess, dict[str, float]]) -> None:
    _, counted = stopped
    there = {name.partition("{")[0] for name in counted}
    named = set(re.findall(r"\bsessionmood_[a-z_]+", PAGE.read_text()))
    assert len(named) > 15
    for name in named:
        assert {name, f"{name}_count"} & there, f"docs/operating.md names {name}"


def test_a_standstill_is_told(tmp_path: Path) -> None:
    with running(tmp_path) as server:
        assert server.process is not None
        assert metrics(server)["sessionmood_loop_late_seconds"] < 60
        server.process.send_signal(signal.SIGSTOP)
        time.sleep(2.5)  # how long it stands still; nothing waits for it
        server.process.send_signal(signal.SIGCONT)
        wait_until(lambda: "everything stood still for " in server.output(), what="the line")
        assert metrics(server)["sessionmood_loop_late_seconds"] > 1


def test_standstills_are_told_once_in_a_while(caplog: pytest.LogCaptureFixture) -> None:
    standstills = Standstills()
    for now, late in enumerate((0.1, 2.0, 3.0, 0.2)):
        standstills.note(late, float(now))
    assert [record.getMessage()[:34] for record in caplog.records] == ["everything stood still for 2.0 s: "]
    assert standstills.worst == 3.0
    for now in range(60):
        standstills.note(0.0, 10.0 + now)
    assert standstills.worst == 0.0
    standstills.note(1.5, 100.0)
    assert len(caplog.records) == 2


def test_refusals_are_told_in_bursts_only(caplog: pytest.LogCaptureFixture) -> None:
    counters = Counters()
    bursts = Bursts(counters)
    bursts.look(0.0)
    for _ in range(BURST - 1):
        counters.refuse("rest", "bad_key")
    bursts.look(1.0)  # too soon for a line
    bursts.look(BURST_EVERY)
    assert not caplog.records
    for _ in range(BURST):
        counters.nack("rate_limited")
    bursts.look(2 * BURST_EVERY)
    (record,) = caplog.records
    assert f"{BURST} refusals within 10 s: {BURST} rate_limited (nack)" in record.getMessage()
    bursts.look(3 * BURST_EVERY)
    assert len(caplog.records) == 1
