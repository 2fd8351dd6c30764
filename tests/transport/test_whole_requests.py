"""A POST that has come whole is answered without a task. Nobody can tell from the answer: the same requests get the same
bytes both ways, at the same time by the same clock."""

import asyncio
import json
import random
import re
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from app.auth.keys import new_key
from app.clock import Clock
from app.config.settings import Settings
from app.errors import StorageUnavailable
from app.server.socket_protocol import SocketProtocol
from app.server.tcp_connections import TcpConnections
from app.storage import Entry
from app.transport.posted import WholeRequest
from app.web import App
from tests.support.server import migrate
from tests.support.serving import serving
from tests.support.wire import request

START = 1_800_000_000_000
ORIGIN = "https://shop.example"
TOKEN = re.compile(rb'"token":"([^"]+)"')
ACK = re.compile(rb'"ack":(\d+)')
HEADS = (
    (),
    ("origin: https://shop.example",),
    ("origin: https://elsewhere.example",),
    ("content-type: application/json; charset=utf-8",),
    ("content-type: text/plain",),
    ("content-type: image/png",),
    ("content-encoding: identity",),
    ("content-encoding: gzip",),
    ("x-forwarded-for: 203.0.113.7", "x-forwarded-proto: https"),
    ("x-forwarded-for: no address",),
    ("accept: */*", "user-agent: Mozilla/5.0", "accept-language: de", "cookie: a=b", "sec-fetch-mode: cors"),
    ("upgrade: h2c", "connection: upgrade"),
)
ADDRESSES = (
    "/v1/sessions/ID/events?wait=1",
    "/v1/sessions/ID/mood",
    "/v1/sessions/%21/events",
    "/v1/sessions/../events",
    "http://a/v1/sessions/ID/events",
    "/nowhere",
)


class Service:
    """An app of this process on a port. `keys`: of each kind two, one for either way, since their rates are counted;
    `quick`: requests answered without a task."""

    def __init__(self, app: App, port: int, keys: list[tuple[str, str]], tcp: TcpConnections) -> None:
        self.app, self.port, self.keys, self.tcp = app, port, keys, tcp
        self.quick = 0

    def has_begun(self) -> bool:
        """Whether some request has come in part."""
        return any(getattr(each, "_since", None) for each in self.tcp._stage_of)


class Moment:
    """The machine's clocks, which stand still."""

    now = START

    def wall_ns(self) -> int:
        return self.now * 1_000_000

    def steady_ns(self) -> int:
        return (self.now - START) * 1_000_000


@pytest.fixture
def moment(monkeypatch: pytest.MonkeyPatch) -> Moment:
    moment = Moment()
    monkeypatch.setattr(
        "app.web.app.Clock", lambda: Clock(moment.wall_ns, moment.steady_ns, moment.steady_ns)
    )
    return moment


@pytest.fixture
async def service(tmp_path: Path, moment: Moment) -> AsyncIterator[Service]:
    migrate(tmp_path / "whole.db")
    settings = Settings(
        database_url=f"sqlite:///{tmp_path / 'whole.db'}",
        session_events_per_second=20,
        address_events_per_second=0,
        new_sessions_per_second=0,
        longest_hold=0,
        trusted_proxies="127.0.0.1",
    )
    app = App(settings)
    await app.start()
    keys = []
    for kind, origins, rate in (("sk", (), None), ("pk", (), None), ("pk", (ORIGIN,), None), ("sk", (), 1e6)):
        pair = [new_key(kind, "shop", START, "a key", origins, None, rate) for _ in range(2)]
        for _, entry in pair:
            await app.store.add_key(entry)
        keys.append((pair[0][0], pair[1][0]))
    await app.access.refresh()
    tcp = TcpConnections(settings, app.lane, app.ingest.counters)

    def take(request: WholeRequest) -> bool:
        taken = app.take(request)
        served.quick += taken
        return taken

    tcp.take = take
    async with serving(partial(SocketProtocol, tcp), app, tcp=tcp) as address:
        served = Service(app, int(address.rpartition(":")[2]), keys, tcp)
        yield served
    await app.stop()


class Client:
    """Sends POSTs for one session: `whole`, as every client does, or in two pieces, which are waited for."""

    def __init__(self, service: Service, session: str, key: str, whole: bool) -> None:
        self.service, self.session, self.key, self.whole = service, session, key, whole
        self.token = "none"
        self.line: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def say(self, first: str, headers: list[str], body: bytes) -> bytes:
        """The whole answer, with the names in it that are this client's own taken out."""
        body = body.replace(b"TOKEN", self.token.encode()).replace(b"KEY", self.key.encode())
        lines = [line.replace("TOKEN", self.token).replace("KEY", self.key) for line in headers]
        if "transfer-encoding: chunked" in lines:
            body = b"%x\r\n%s\r\n" % (len(body), body) * bool(body) + b"0\r\n\r\n"
        else:
            lines.append(f"content-length: {len(body)}")
        sent = request(first.replace("ID", self.session), "host: a", *lines, body=body)
        answer = None
        while answer is None:
            answer = await self._ask(sent)
        assert self.line is not None
        length = re.search(rb"content-length: (\d+)", answer)
        if length is not None:
            answer += await self.line[0].readexactly(int(length[1]))
        if b"connection: close" in answer:
            self.close()
        if found := TOKEN.search(answer):
            self.token = found[1].decode()
            answer = answer.replace(found[1], b"TOKEN")
            answer = re.sub(rb"content-length: \d+", b"content-length: ?", answer)
        return answer.replace(self.session.encode(), b"ID")

    async def _ask(self, sent: bytes) -> bytes | None:
        """The answer's head; None where the server had closed the line before: a body that it refused while that was
        still coming is not read."""
        if self.line is None:
            self.line = await asyncio.open_connection("127.0.0.1", self.service.port)
        reader, writer = self.line
        try:
            writer.write(
                request("GET /livez HTTP/1.1", "host: a")
            )  # after a request that was granted, the next is quick
            head = await reader.readuntil(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 200")
            await reader.readexactly(int(re.search(rb"content-length: (\d+)", head)[1]))  # type: ignore[index]
            if self.whole:
                writer.write(sent)
            else:
                writer.write(sent[:20])
                while not self.service.has_begun():
                    await asyncio.sleep(0)
                    if reader.at_eof():
                        raise EOFError
                writer.write(sent[20:])
            return await reader.readuntil(b"\r\n\r\n")
        except (EOFError, ConnectionError):
            self.close()
            return None

    def close(self) -> None:
        if self.line is not None:
            self.line[1].close()
            self.line = None


def events(dice: random.Random) -> list[dict[str, Any]]:
    kinds = ("click", "scroll", "error", "hover", "navigation", "nonsense", "idle", "rage")
    places: list[dict[str, Any]] = [
        {"x": 5, "y": 9},
        {"target": "button.pay"},
        {"name": "Zürich"},
        {"x": "left"},
        {},
    ]
    made: list[dict[str, Any]] = []
    for _ in range(dice.choice((0, 1, 1, 1, 2, 5, 30))):
        event: dict[str, Any] = {"type": dice.choice(kinds), **dice.choice(places)}
        if dice.random() < 0.5:
            event["at"] = START + dice.randrange(100_000)
        made.append(event)
    return made


def body_of(dice: random.Random, next_seq: int) -> bytes:
    choice = dice.random()
    if choice < 0.08:
        return dice.choice(
            (b"", b"{", b"[]", b"null", b'"a"', b"\xff", b'[{"type":1}]', b"[" * 2000, b" " * 9000)
        )
    if choice < 0.3:
        return json.dumps((events(dice) or [{"type": "click"}])[0]).encode()
    if choice < 0.5:
        return json.dumps(events(dice), ensure_ascii=dice.random() < 0.5).encode()
    sent = events(dice)
    envelope: dict[str, Any] = {"events": sent}
    if dice.random() < 0.6:
        seq = next_seq if dice.random() < 0.7 else dice.choice((1, next_seq + 7))
        envelope |= {"producer": "page", "seq": seq}
        if dice.random() < 0.2:
            envelope["lost"] = 2
    if dice.random() < 0.3:
        envelope |= {"key": "KEY", "token": "TOKEN"}
    if dice.random() < 0.2:
        envelope |= {"now": START, "reports": ["answers"]}
    return json.dumps(envelope).encode()


def asked(dice: random.Random, next_seq: int) -> tuple[str, list[str], bytes]:
    """A request line, headers, a body."""
    body = body_of(dice, next_seq)
    headers = [*dice.choice(HEADS)] if dice.random() < 0.25 else []
    if dice.random() < 0.95:
        headers.append("x-api-key: KEY" if dice.random() < 0.7 else "authorization: Bearer KEY")
    if dice.random() < 0.95:
        headers.append("x-session-token: TOKEN")
    if dice.random() < 0.06:
        headers.append("connection: close")
    first = "POST /v1/sessions/ID/events HTTP/1.1"
    if dice.random() < 0.1:
        first = f"POST {dice.choice(ADDRESSES)} HTTP/1.1"
    if dice.random() < 0.05:
        headers.append("transfer-encoding: chunked")
    return first, headers, body


@pytest.mark.parametrize("seed", range(6))
async def test_both_ways_answer_byte_for_byte_the_same(service: Service, moment: Moment, seed: int) -> None:
    dice = random.Random(seed)
    for number in range(6):
        keys = dice.choice(service.keys)
        quick, usual = (
            Client(service, f"{name}-{number}", key, name == "a")
            for name, key in zip("ab", keys, strict=True)
        )
        next_seq = 1
        for _ in range(25):
            moment.now += dice.choice((0, 1, 40, 900, 20_000))
            first, headers, body = asked(dice, next_seq)
            answers = [await each.say(first, headers, body) for each in (quick, usual)]
            assert answers[0] == answers[1], (first, headers, body)
            if found := ACK.search(answers[0]):
                next_seq = int(found[1]) + 1
        quick.close()
        usual.close()
    counters = service.app.ingest.counters
    assert service.quick > 40
    assert sum(counters.acks_rest.counts) > 20


class Line:
    """One connection, with the secret key, to one session."""

    def __init__(self, service: Service) -> None:
        self.service = service

    async def say(self, *bodies: bytes) -> list[tuple[int, dict[str, Any]]]:
        """Status and body of each answer to what is sent in one go."""
        if not hasattr(self, "reader"):
            self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.service.port)
        key = f"x-api-key: {self.service.keys[0][0]}"
        first = "POST /v1/sessions/one/events HTTP/1.1"
        self.writer.write(
            b"".join(
                request(first, "host: a", key, f"content-length: {len(body)}", body=body) for body in bodies
            )
        )
        answers = []
        async with asyncio.timeout(60):
            for _ in bodies:
                head = await self.reader.readuntil(b"\r\n\r\n")
                length = re.search(rb"content-length: (\d+)", head)
                assert length is not None
                answers.append((int(head[9:12]), json.loads(await self.reader.readexactly(int(length[1])))))
        return answers


def numbered(seq: int) -> bytes:
    return b'{"producer":"p","seq":%d,"events":[{"type":"click"}]}' % seq


async def test_a_turn_is_waited_for_until_a_request_was_granted(service: Service) -> None:
    line = Line(service)
    counts = []
    for body in (numbered(1), numbered(2), b"nonsense", numbered(3), numbered(4)):
        await line.say(body)
        counts.append(service.quick)
    assert counts == [0, 1, 2, 2, 3]
    line.writer.close()


async def test_requests_in_one_packet_are_answered_in_order(service: Service) -> None:
    line = Line(service)
    await line.say(numbered(1))
    answers = await line.say(*(numbered(seq) for seq in range(2, 8)), b"nonsense", numbered(8))
    assert [body.get("ack") for _, body in answers] == [2, 3, 4, 5, 6, 7, None, 8]
    line.writer.close()


async def test_a_batch_that_is_not_kept_in_time_is_to_come_again(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = Line(service)
    await line.say(numbered(1))
    store, durable = service.app.store, asyncio.get_running_loop().create_future()
    submit = store.submit

    def never(entry: Entry) -> "asyncio.Future[None]":
        submit(entry)
        return durable

    monkeypatch.setattr(store, "submit", never)
    with monkeypatch.context() as soon:
        soon.setattr(service.app.doors, "durable_within", 0.01)
        ((status, body),) = await line.say(numbered(2))
    assert (status, body["code"], service.quick) == (503, "storage_unavailable", 1)
    monkeypatch.setattr(store, "submit", submit)
    await line.say(numbered(3))
    monkeypatch.setattr(store, "submit", never)
    durable.set_exception(StorageUnavailable("the disk is away", retry_ms=100))
    ((status, body),) = await line.say(numbered(4))
    assert (status, body["detail"], service.quick) == (503, "the disk is away", 2)
    line.writer.close()


async def test_a_server_that_stops_says_so_to_who_waits_for_the_disk(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = Line(service)
    await line.say(numbered(1))
    store, durable = service.app.store, asyncio.get_running_loop().create_future()
    submit = store.submit
    requests: list[Any] = []

    def never(entry: Entry) -> "asyncio.Future[None]":
        submit(entry)
        return durable

    def take(request: WholeRequest) -> bool:
        requests.append(request)
        return service.app.take(request)

    monkeypatch.setattr(store, "submit", never)
    monkeypatch.setattr(service.tcp, "take", take)
    said = asyncio.ensure_future(line.say(numbered(2)))
    while not requests:
        await asyncio.sleep(0.01)
    requests[0].cancel(msg="as uvicorn does")
    ((status, body),) = await said
    assert (status, body["code"]) == (503, "draining")
    durable.set_result(None)
    assert (await line.say(numbered(2)))[0][1]["duplicates"] == 1
    line.writer.close()
