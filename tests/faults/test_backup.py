"""A backup made under load, restored: a moment of the past, whole, from which clients go on."""

import os
import random
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.faults import truth
from tests.faults.crowd import CROWDED, Crowd
from tests.support.server import ROOT, WATCHED, ServerProcess, running

SESSIONS = 20


@pytest.mark.slow
async def test_a_backup_holds_all_that_was_acked_before_it_began(tmp_path: Path, seed: int) -> None:
    rng = random.Random(seed)
    first, second, copy = tmp_path / "first", tmp_path / "second", tmp_path / "copy.db"
    first.mkdir()
    second.mkdir()
    with running(first, **CROWDED) as server:
        async with Crowd(server, SESSIONS, rng) as crowd:
            await crowd.more_acks(500)
            acked = {page.producer: page.acked for v in crowd.visitors for page in v.pages}
            await crowd.beside(back_up, server, copy)
            await crowd.more_acks(500)
    shutil.copy(copy, second / "sessionmood.db")
    restored = ServerProcess(second, **CROWDED)
    restored.sk, restored.pk = server.sk, server.pk
    try:
        restored.start()
        for visitor in crowd.visitors:
            rows = truth.log_of(restored.database, visitor.session)
            assert [row.version for row in rows] == list(range(1, len(rows) + 1))
            for page in visitor.pages:
                known = max((row.last_seq or 0 for row in rows if row.producer == page.producer), default=0)
                assert known >= acked.get(page.producer, 0)
            if not rows:
                continue
            reading = restored.get(f"/v1/sessions/{visitor.session}/mood").json()
            reading.pop("help", None)
            assert reading == truth.replayed(rows, visitor.session, reading["as_of"])
            page = visitor.pages[0]
            async with restored.socket(visitor.session) as socket:
                ack = (await socket.hello(producer=page.producer))["ack"]
                page.make(1)
                await socket.send({"op": "events", "seq": ack + 1, "events": page.batch(ack + 1, ack + 1)})
                assert (await socket.until("ack"))["accepted"] in (0, 1)  # 0: a type nobody knows
        assert "Traceback" not in restored.output()
    finally:
        restored.close()


def back_up(server: ServerProcess, copy: Path) -> None:
    environment = {"PATH": os.environ["PATH"], "DATABASE_URL": f"sqlite:///{server.database}", **WATCHED}
    command = [sys.executable, "-m", "app", "backup", str(copy)]
    subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True)
