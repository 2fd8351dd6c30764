"""Healthy sessions beside fifty hostile clients, briefly; ten minutes of it: `python -m tests.security.soak 600`."""

from pathlib import Path

import pytest

from tests.security.soak import soak
from tests.support.server import running


@pytest.mark.slow
async def test_healthy_sessions_go_on_while_hostile_ones_do_their_worst(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with running(tmp_path) as server:
        # not idle: beside other tests the hostile ones would get no processor time, and attack nobody
        report = await soak(server, calm=4, seconds=12, idle=False)
        with capsys.disabled():
            print(report)
        assert report.reconnects == 0  # nobody healthy was cut off
        assert report.acks > 200  # and each got answers
        assert report.rss_peak - report.rss_start < 50
        for answer in ("a_megabyte 4009", "broken_utf8 1007", "floods_pings 4129", "guesses_keys 401"):
            assert report.seen.get(answer), f"{answer}: {report.seen}"
        assert server.get("/readyz").status_code == 200
        assert "Traceback" not in server.output()
