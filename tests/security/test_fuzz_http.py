"""Odd requests to every address, briefly; `python -m tests.security.fuzz_http 1000000` sends more."""

from pathlib import Path

from tests.security.fuzz_http import LIMITS, addresses, fuzz
from tests.support.server import running


def test_no_request_is_answered_with_a_traceback(tmp_path: Path) -> None:
    assert {"/metrics", "/static/{name}", "/v1/sessions/{id}/timeline"} < set(addresses())
    with running(tmp_path, **LIMITS) as server:
        statuses = fuzz(server, 3000, seed=11)
        output = server.output()
    assert sum(statuses.values()) >= 3000
    assert {200, 400, 401, 404, 405, 422} <= set(statuses)  # it does reach the good and the bad ways through
    assert 500 not in statuses
    assert "Traceback" not in output
