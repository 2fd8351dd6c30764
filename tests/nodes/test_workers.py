"""Several processes on one port of one machine."""

import os
import signal
import tempfile
from pathlib import Path

import httpx2
import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics

from tests.support.engines import Postgres, Valkey
from tests.support.metrics import metrics
from tests.support.nodes import nodes
from tests.support.server import fresh, wait_until

pytestmark = pytest.mark.slow


def workers_of(pid: int) -> list[int]:
    return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def test_workers_serve_together_and_are_started_again(
    tmp_path: Path, postgres: Postgres, valkey: Valkey
) -> None:
    with nodes(tmp_path, 1, postgres, valkey, SESSIONMOOD_WORKERS=2) as (server,):
        assert server.process is not None
        pid = server.process.pid
        wait_until(lambda: metrics(server).get("sessionmood_bus_nodes{worker=1}") == 2, 60)
        workers = workers_of(pid)
        assert len(workers) == 2
        assert server.output().count("SessionMood is up") == 1
        session = fresh()
        for n in range(10):
            answer = server.post(session, {"type": "click", "target": f"#{n}"})
            assert answer.status_code == 200
            assert answer.json()["mood"]["event_count"] == n + 1
        # whoever is asked tells of both
        wait_until(lambda: metrics(server)["sessionmood_worker_up{worker=2}"] == 1)
        for _ in range(6):
            told = metrics(server)
            events = [told[f"sessionmood_events_total{{outcome=accepted,worker={n}}}"] for n in (1, 2)]
            assert sum(events) == 10
        scrape = httpx2.get(f"{server.base}/metrics", headers={"accept": "application/openmetrics-text"})
        families = {f.name: f for f in openmetrics(scrape.text)}  # type: ignore[no-untyped-call]
        assert {s.labels["worker"] for s in families["process_cpu_seconds"].samples} == {"1", "2"}
        os.kill(workers[0], signal.SIGKILL)
        wait_until(lambda: len(set(workers_of(pid)) - {workers[0]}) == 2)
        wait_until(lambda: httpx2.get(f"{server.base}/readyz").status_code == 200)
        assert server.get(f"/v1/sessions/{session}/mood").json()["event_count"] == 10
        wait_until(lambda: metrics(server)["sessionmood_worker_up{worker=1}"] == 1)
        workers = workers_of(pid)
        assert server.stop() == 0
        assert not list(Path(tempfile.gettempdir()).glob("sessionmood-*/1.sock"))
        assert "all 2 workers have stopped" in server.output()
        assert not any(Path(f"/proc/{each}").exists() for each in workers)
