"""RFC 6455, case by case: kosoku drives the Autobahn suite's cases against the sockets that serve here, with an
app behind them that sends back what comes."""

from functools import partial
from typing import Any

import kosoku
import pytest
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from app.config.settings import Settings
from app.server import heads
from app.server.socket_protocol import SocketProtocol
from app.server.tcp_connections import TcpConnections
from app.transport.slow_lane import SlowLane
from tests.support.serving import serving


class Theirs(WebSocketsSansIOProtocol):
    """uvicorn's own, which reads the handshake itself."""

    head: Any = None

    def shake_hands(self, headers: heads.Headers) -> None:
        self.data_received(heads.handshake(headers).serialize())


async def failures(kind: Any, cases: list[str] | None) -> tuple[set[str], int]:
    """The cases that fail, and how many were run. Compression (12, 13) is off on purpose."""
    async with serving(kind) as address:
        try:
            results = await kosoku.run_fuzzingclient(address, cases, ["12.*", "13.*"], concurrency=4)
        except kosoku.FailureError as failed:
            results = failed.results
    bad = {"FAILED", "ERROR", "UNIMPLEMENTED"}
    wrong = {"FAILED", "UNCLEAN", "WRONG CODE"}
    failing = {
        each.case_id for each in results if each.behavior.value in bad or each.behavior_close.value in wrong
    }
    return failing, len(results)


@pytest.mark.slow
async def test_the_cases_of_rfc_6455() -> None:
    """What fails here fails with uvicorn's own protocol too: 7.1.5, a close amid a fragmented message, which
    websockets answers with 1002 and the case wants answered with 1000."""
    ours, run = await failures(
        partial(SocketProtocol, TcpConnections(Settings(max_batch_bytes=2**24), SlowLane())), None
    )
    assert run > 240
    theirs, _ = await failures(Theirs, sorted(ours) or ["1.1.1"])
    assert ours <= theirs
    assert ours <= {"7.1.5"}
