"""From the first byte to the last: every connection is counted, has an end, and gets an answer, whatever it sends."""

import asyncio
import signal
import socket
from collections.abc import Iterator

import httpx2
import pytest

from app.auth.limits import party
from app.errors import Overloaded, SessionMoodError
from app.server.tcp_connections import STAGES, Unfinished
from tests.security.soak import rss
from tests.support.lines import HELLO, Line, framed, post
from tests.support.metrics import metrics
from tests.support.server import ServerProcess, fresh, running, wait_until
from tests.support.wire import answer, ask, request, target

CLICK = {"type": "click"}
MIB = 2**20


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    limits = {
        "SESSIONMOOD_TRUSTED_PROXIES": "192.0.2.1",
        # what must fill a list must not run into a deadline where the machine stands still
        "SESSIONMOOD_HELLO_TIMEOUT": 120,
        "SESSIONMOOD_REQUEST_TIMEOUT": 120,
    }
    with running(tmp_path_factory.mktemp("wire"), **limits) as server:
        yield server


# Trailers


async def test_a_key_in_a_trailer_is_none(server: ServerProcess) -> None:
    before = metrics(server)["sessionmood_trailers_total"]
    body = b"10\r\n" + b'{"type":"click"}' + b"\r\n0\r\nx-api-key: " + server.sk.encode() + b"\r\n\r\n"
    head = (f"POST /v1/sessions/{fresh()}/events HTTP/1.1", "host: a", "transfer-encoding: chunked")
    # all at once: the app sees the request when the trailer has come
    assert (await ask(server, request(*head, body=body)))[0] == 401
    assert (await ask(server, request(*head, f"x-api-key: {server.sk}", body=body)))[0] == 200
    assert metrics(server)["sessionmood_trailers_total"] - before == 2


@pytest.mark.parametrize("piece", [b"x-%d: y\r\n", b"y"], ids=["many-lines", "one-line"])
async def test_trailers_end(server: ServerProcess, piece: bytes) -> None:
    before = rss(server)
    lines = [await Line.open(target(server)) for _ in range(3)]
    try:
        for line in lines:
            head = ("POST /v1/sessions/s/events HTTP/1.1", "host: a", "transfer-encoding: chunked")
            await line.say(request(*head, f"x-api-key: {server.sk}", body=b"1\r\n[\r\n0\r\n"))
        for line in lines:
            with pytest.raises(ConnectionError):
                for _ in range(640):  # 40 MiB, of which 16 are passed over
                    await line.say(piece * (65_536 // len(piece)))
                raise AssertionError("nobody stopped it")
    finally:
        for line in lines:
            line.close()
    assert rss(server) - before < 30
    assert metrics(server)["sessionmood_refusals_total{code=head_too_large,door=wire}"] >= 1


async def test_trailers_that_do_not_fit_are_told_so(server: ServerProcess) -> None:
    head = ("POST /v1/sessions/s/events HTTP/1.1", "host: a", "transfer-encoding: chunked")
    long = b"1\r\n[\r\n0\r\nx: " + b"y" * 40_000
    status, _, body = await ask(server, request(*head, f"x-api-key: {server.sk}", body=long))
    assert (status, b"trailers" in body) == (431, True)
    extended = b"1;" + b"e" * 40_000
    assert (await ask(server, request(*head, f"x-api-key: {server.sk}", body=extended)))[0] == 431


# Upgrades

WEBSOCKET = (
    "host: a", "connection: Upgrade", "upgrade: websocket", "sec-websocket-version: 13",
    "sec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==",
)  # fmt: skip


@pytest.mark.parametrize(
    ("method", "headers", "body", "status"),
    [
        ("GET", ("content-length: 3",), b"abc", 400),
        ("GET", ("transfer-encoding: chunked",), b"1\r\na\r\n0\r\n\r\n", 400),
        ("GET", tuple(f"x-{n}: y" for n in range(300)), b"", 101),
        ("GET", ("cookie: " + "c" * 9000,), b"", 101),
        ("GET", ("x-long: " + "c" * 20_000,), b"", 101),
        ("GET", ("x-long: " + "c" * 40_000,), b"", 431),
        ("GET", ("sec-websocket-protocol: " + "c" * 9000,), b"", 431),
        ("GET", tuple("sec-websocket-protocol: sessionmood.v1" for n in range(20)), b"", 101),
        ("GET", ("sec-websocket-key: again",), b"", 400),
        ("GET", ("sec-websocket-version: 12",), b"", 400),
        ("POST", ("content-length: 16",), b'{"type":"click"}', 404),  # read as if it had not asked
        ("DELETE", (), b"", 404),
        ("CONNECT", (), b"", 405),
    ],
    ids=lambda value: str(value)[:24],
)
async def test_every_wish_to_upgrade_gets_an_answer(
    server: ServerProcess, method: str, headers: tuple[str, ...], body: bytes, status: int
) -> None:
    path = "a:443" if method == "CONNECT" else f"/v1/sessions/{fresh()}/ws"
    whole = request(f"{method} {path} HTTP/1.1", *WEBSOCKET, *headers, body=body)
    got, said, problem = await ask(server, whole)
    assert got == status
    assert problem or status == 101
    assert said.get("content-type") != "application/problem+json" or b'"detail"' in problem


async def test_whoever_asks_for_another_protocol_is_served_in_this_one(server: ServerProcess) -> None:
    """curl --http2 asks so with any request; some proxies ask for WebSockets with any."""
    session = fresh()
    line = await Line.open(target(server))
    wish = ("connection: Upgrade, HTTP2-Settings", "upgrade: h2c", "http2-settings: AAMAAABkAAQAAP__")
    event = b'{"type":"click"}'
    try:
        for wanted in (wish, ("connection: upgrade", "upgrade: websocket")):
            head = (f"POST /v1/sessions/{session}/events HTTP/1.1", "host: a", f"x-api-key: {server.sk}")
            await line.say(request(*head, *wanted, f"content-length: {len(event)}", body=event))
            assert (await answer(line))[0] == 200
            await line.say(request("GET /livez HTTP/1.1", "host: a", *wish))
            assert (await answer(line))[2] == b"ok\n"
    finally:
        line.close()
    assert server.get(f"/v1/sessions/{session}/mood").json()["event_count"] == 2


async def test_the_app_sees_the_whole_head_of_a_handshake(server: ServerProcess) -> None:
    line = await Line.open(target(server))
    try:
        key = f"x-api-key: {server.sk} \t"
        many = [f"x-{n}: y" for n in range(200)]
        await line.say(request(f"GET /v1/sessions/{fresh()}/ws?a=b HTTP/1.1", *many, *WEBSOCKET, key))
        assert (await answer(line))[0] == 101
        await line.frame(b'{"op":"hello"}')
        assert b'"welcome"' in await line.reader.readuntil(b'"welcome"')
    finally:
        line.close()


def standing(server: ServerProcess) -> dict[str, float]:
    known = metrics(server)
    return {stage: known[f"sessionmood_lines{{stage={stage}}}"] for stage in STAGES}


async def test_every_connection_is_in_a_list(server: ServerProcess) -> None:
    wait_until(lambda: sum(standing(server).values()) == 1, 60, "the end of all others")
    lines = [await Line.open(target(server)) for _ in range(6)]
    try:
        await lines[0].say(b"GET / HTTP/1.1\r\n")
        await lines[1].say(request("POST /v1/sessions/s/events HTTP/1.1", "host: a", "content-length: 9"))
        for line in lines[2:4]:
            await line.handshake(target(server), key=False)
        await lines[4].say(request("GET /v1/sessions/s/ws HTTP/1.1", *WEBSOCKET, "content-length: 9"))
        wait_until(
            lambda: (
                {**standing(server), "closing": 0.0, "request": 0.0}
                == {"idle": 2.0, "request": 0.0, "handshake": 0.0, "socket": 2.0, "closing": 0.0}
                and standing(server)["request"] == 2
            ),  # the other one asks for the metrics
            30,
            "6 connections in their lists",
        )
    finally:
        for line in lines:
            line.close()


def test_a_stop_beside_wishes_to_upgrade_ends_well(tmp_path_factory: pytest.TempPathFactory) -> None:
    """The write-ahead log is folded into the database, and the exit code is 0."""
    limits = {"SESSIONMOOD_DRAIN_GAP": 0, "SESSIONMOOD_DRAIN_SPREAD": 0, "SESSIONMOOD_DRAIN_GRACE": 10}
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_IGN:  # as under nohup, where the server ignores it too
            continue
        with running(tmp_path_factory.mktemp("stop"), **limits) as server:
            assert server.post(fresh(), CLICK).status_code == 200
            open_lines = []
            for more in (
                (),
                ("content-length: 9",),
                ("transfer-encoding: chunked",),
                ("cookie: " + "c" * 9000,),
            ):
                line = socket.create_connection(("127.0.0.1", server.port))
                line.sendall(request("GET /v1/sessions/s/ws HTTP/1.1", *WEBSOCKET, *more))
                open_lines.append(line)
            for start in (b"GET / HT", b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\n\r\n1"):
                line = socket.create_connection(("127.0.0.1", server.port))
                line.sendall(start)
                open_lines.append(line)
            assert server.process is not None
            server.process.send_signal(number)
            assert server.process.wait(40) == 0
            for line in open_lines:
                line.close()
            assert "Traceback" not in server.output()
            assert not server.database.with_name(server.database.name + "-wal").exists()


# Unfinished messages


async def test_messages_that_are_not_whole_share_a_budget(server: ServerProcess) -> None:
    """240 connections of one address, each with a quarter of a MiB that never becomes whole."""
    before = rss(server)
    almost = framed(b'{"op":"hello","key":"' + b"x" * 250_000)[:-1]
    lines: list[Line] = []
    healthy = fresh()
    try:
        async with server.socket(healthy) as good:
            await good.hello(producer="p")

            async def hold(number: int) -> None:
                line = await Line.open(target(server, "127.0.4.1"))
                lines.append(line)
                if number % 3 == 2:
                    body = b"[" + b" " * 250_000
                    await line.say(post(healthy, server.sk, body + b"]")[:-1])
                    return
                await line.handshake(target(server), fresh(), key=number % 3 == 0)
                if number % 3 == 0:
                    await line.frame(HELLO)
                await line.say(almost)

            for start in range(0, 240, 20):
                await asyncio.gather(*(hold(n) for n in range(start, start + 20)), return_exceptions=True)
            large = [{"type": "click", "target": "#" + "x" * 190, "url": "/" + "y" * 200}] * 400
            await good.send({"op": "events", "seq": 1, "events": large})
            assert (await good.until("ack", 60))["accepted"] == 400
        await asyncio.to_thread(  # while the rest is sent
            wait_until,
            lambda: metrics(server)["sessionmood_unfinished_refused_total"] >= 100,
            60,
            "connections that gave way",
        )
        known = metrics(server)
        assert known["sessionmood_unfinished_bytes"] <= 16 * MIB
        assert known["sessionmood_refusals_total{code=overloaded,door=wire}"] >= 100
        assert rss(server) - before < 60
    finally:
        for line in lines:
            line.close()

    def nothing() -> bool:
        return metrics(server)["sessionmood_unfinished_bytes"] == 0

    await asyncio.to_thread(wait_until, nothing, 60, "nothing unfinished")


class Held:
    """A connection that does nothing but hold."""

    address = "?"

    def __init__(self) -> None:
        self.told: SessionMoodError | None = None

    def look_after(self, now: float) -> bool:
        return True

    def make_room(self, error: SessionMoodError) -> None:
        self.told = error

    def abort(self) -> None: ...


def test_who_holds_the_most_gives_way() -> None:
    unfinished = Unfinished(1000)
    many, few = [Held() for _ in range(9)], Held()
    unfinished.hold(few, "few", 90)
    for line in many:
        unfinished.hold(line, "many", 100)
    assert unfinished.held == 990
    unfinished.hold(few, "few", 150)
    assert [line.told is not None for line in (few, *many)] == [False, True] + [False] * 8
    assert isinstance(many[0].told, Overloaded)
    assert unfinished.held == 950
    assert unfinished.refused == 1
    for line in (few, *many):
        unfinished.hold(line, "?", 0)
    assert unfinished.held == 0
    assert [unfinished._sizes, unfinished._of, unfinished._totals] == [{}, {}, {}]


# Addresses


@pytest.mark.parametrize(
    ("host", "who"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2::1", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::1", "2001:db8:1:3::/64"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("fe80::1%eth0", "fe80::/64"),
        ("unknown", "?"),
        ("1" * 30_000, "?"),
    ],
)  # fmt: skip
def test_who_shares_the_limits_of_an_address(host: str, who: str) -> None:
    assert party(host) == who


def test_one_network_is_one_address(tmp_path_factory: pytest.TempPathFactory) -> None:
    limits = {"SESSIONMOOD_ADDRESS_EVENTS_PER_SECOND": 0.01, "SESSIONMOOD_TRUSTED_PROXIES": "127.0.0.1"}
    with running(tmp_path_factory.mktemp("six"), **limits) as server:

        def post(address: str) -> httpx2.Response:
            return server.post(fresh(), [CLICK] * 2, key=server.pk, **{"x-forwarded-for": address})

        assert post("2001:db8::1").status_code == 200
        refused = post("2001:db8::2:1")
        assert (refused.status_code, refused.json()["limit"]) == (429, "address")
        assert post("2001:db8:0:1::1").status_code == 200
        long = "x" * 30_000
        assert post(long).status_code == 200
        assert post(long[1:]).status_code == 429  # whatever is no address is one
