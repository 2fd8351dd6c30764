"""What the service tells of itself."""

from pathlib import Path

import httpx2

from app.counters import Histogram
from tests.support.metrics import metrics
from tests.support.server import running, wait_until

CLICK = {"type": "click"}


def test_who_asks_whether_it_is_ready_does_not_write_each_time(tmp_path: Path) -> None:
    with running(tmp_path) as server:
        before = metrics(server)["sessionmood_commit_seconds_count"]
        for _ in range(100):
            assert server.get("/readyz").status_code == 200
        assert metrics(server)["sessionmood_commit_seconds_count"] - before < 50


async def test_what_happens_is_counted(tmp_path: Path) -> None:
    with running(tmp_path) as server:
        async with server.socket("s") as socket:
            await socket.hello(producer="p")
            await socket.send({"op": "events", "seq": 1, "events": [CLICK, CLICK, {"type": "hologram"}]})
            await socket.until("ack")
            await socket.send({"op": "events", "seq": 1, "events": [CLICK]})
            await socket.until("ack")
            await socket.send({"op": "events", "seq": 9, "events": [CLICK]})
            await socket.until("nack")
            now = metrics(server)
            assert now["sessionmood_connections"] == 1
            assert now["sessionmood_sessions"] == 1
        server.post("s", CLICK)
        server.post("s", CLICK, key="sk_wrong")
        async with server.socket("s", key="sk_wrong") as socket:
            await socket.closed()
        wait_until(lambda: metrics(server)["sessionmood_connections"] == 0)
        now = metrics(server)
        assert now["sessionmood_connections_opened_total"] == 2
        assert now["sessionmood_events_total{outcome=accepted}"] == 3
        assert now["sessionmood_events_total{outcome=duplicate}"] == 1
        assert now["sessionmood_events_total{outcome=ignored}"] == 1
        assert now["sessionmood_nacks_total{code=out_of_order}"] == 1
        assert now["sessionmood_refusals_total{code=bad_key,door=rest}"] == 1
        assert now["sessionmood_refusals_total{code=bad_key,door=websocket}"] == 1
        assert now["sessionmood_ack_seconds_count{door=websocket}"] == 2
        assert now["sessionmood_ack_seconds_count{door=rest}"] == 1
        assert now["sessionmood_ack_seconds_bucket{door=rest,le=+Inf}"] == 1
        assert now["sessionmood_mood_pushes_total"] >= 1
        assert now["sessionmood_mood_changes_total"] >= 1
        assert now["sessionmood_commit_seconds_count"] >= 2
        assert now["sessionmood_commit_seconds_sum"] > 0
        assert now["sessionmood_queue_entries"] == now["sessionmood_queue_bytes"] == 0
        assert now["sessionmood_storage_failing"] == now["sessionmood_commit_failures_total"] == 0
        assert now["sessionmood_request_connections"] >= 1
        for name in ("conflated_total", "held_requests", "held_back_total", "session_loads_total",
                     "session_evictions_total", "help_offers_total"):  # fmt: skip
            assert f"sessionmood_{name}" in now
        assert now["process_resident_memory_bytes"] > 0


def test_the_metrics_can_be_guarded(tmp_path: Path) -> None:
    with running(tmp_path, SESSIONMOOD_METRICS_TOKEN="let-me-in") as server:
        for headers in ({}, {"authorization": "Bearer wrong"}, {"x-api-key": server.sk}):
            assert httpx2.get(f"{server.base}/metrics", headers=headers).status_code == 401
        assert metrics(server, authorization="Bearer let-me-in")


def test_durations_go_into_classes() -> None:
    histogram = Histogram((0.1, 1.0))
    for seconds in (0.05, 0.1, 0.2, 1.5):
        histogram.note(seconds)
    assert histogram.counts == [2, 1, 1]
    assert histogram.total == 1.85
