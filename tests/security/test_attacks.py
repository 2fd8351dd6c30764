"""Every kind of hostile client gets the answer that the contract has for it, and in time."""

import asyncio
import socket
import time
from collections.abc import Iterator

import httpx2
import pytest

from tests.security import hostile
from tests.security.hostile import Attack, Line, Target
from tests.server import ServerProcess, fresh, running, wait_until

CLICK = {"type": "click"}


@pytest.fixture(scope="module")
def tight(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server whose deadlines are short."""
    limits = {
        "SESSIONMOOD_HELLO_TIMEOUT": 1,
        "SESSIONMOOD_SEND_TIMEOUT": 2,
        "SESSIONMOOD_REQUEST_TIMEOUT": 2,
        "SESSIONMOOD_TRUSTED_PROXIES": "192.0.2.1",
        "SESSIONMOOD_MAX_CONNECTIONS_PER_ADDRESS": 40,
    }
    with running(tmp_path_factory.mktemp("tight"), **limits) as server:
        yield server


@pytest.mark.parametrize(
    ("attack", "answer"),
    [
        (hostile.half_a_handshake, 408),
        (hostile.handshake_and_no_hello, 4003),
        (hostile.headers_without_end, 431),
        (hostile.dribbles_a_body, 408),
        (hostile.fragments_without_end, 4009),
        (hostile.a_megabyte, 4009),
        (hostile.two_megabytes_in_pieces, 4009),
        (hostile.broken_utf8, 1007),
        (hostile.deep_json, 4004),
        (hostile.floods_events, 4129),
        (hostile.floods_pings, 4129),
        (hostile.floods_hellos, 4129),
        (hostile.floods_nonsense_in_one_packet, 4129),
    ],
    ids=lambda value: getattr(value, "__name__", str(value)),
)
async def test_each_gets_its_answer(tight: ServerProcess, attack: Attack, answer: int) -> None:
    seen: list[int | str] = []
    async with asyncio.timeout(60):
        await attack(Target(tight, tight.pk, attack.__name__, seen))
    assert seen == [answer]


async def test_who_says_nothing_is_let_go(tight: ServerProcess) -> None:
    async with asyncio.timeout(30):
        await hostile.says_nothing(Target(tight, tight.pk, "silent", []))


@pytest.mark.parametrize("attack", [hostile.never_reads, hostile.reads_one_byte_a_second])
async def test_who_does_not_read_is_cut_off(tight: ServerProcess, attack: Attack) -> None:
    with pytest.raises(OSError):
        async with asyncio.timeout(100):
            await attack(Target(tight, tight.pk, attack.__name__, []))


@pytest.mark.slow
async def test_a_frame_that_takes_for_ever(tight: ServerProcess) -> None:
    seen: list[int | str] = []
    await hostile.dribbles_a_frame(Target(tight, tight.pk, "dribble", seen))
    assert seen == [4102]


async def test_huge_names_are_refused_and_the_socket_goes_on(tight: ServerProcess) -> None:
    async with tight.socket(fresh()) as socket:
        await socket.send({"type": "x" * 65})
        assert (await socket.until("nack"))["code"] == "bad_event"
        await socket.send({"type": "click", "target": "x" * 201})
        assert (await socket.until("nack"))["code"] == "bad_event"
        await socket.send(CLICK)
        await socket.until("ack")


async def test_an_address_has_so_many_sockets_and_requests_still_come_through(tight: ServerProcess) -> None:
    async with asyncio.timeout(60):
        target = Target(tight, tight.sk, "many", [])
        lines = [await hostile._opened(target) for _ in range(40)]
        try:
            late = await hostile._opened(target)
            assert await late.code() == 4101
            late.close()
            assert tight.get("/readyz").status_code == 200
            assert tight.post(fresh(), CLICK).status_code == 200
        finally:
            for line in lines:
                line.close()

    async def free() -> bool:
        line = await hostile._opened(target)
        await line.frame(b'{"op":"ping"}')
        first = await line.reader.readexactly(4)
        line.close()
        return b"{" in first

    async with asyncio.timeout(20):
        while not await free():
            await asyncio.sleep(0.1)


async def test_an_address_has_so_many_connections_without_a_request(tight: ServerProcess) -> None:
    lines = [await Line.open(Target(tight, tight.sk, "idle", [])) for _ in range(41)]
    try:
        assert await asyncio.wait_for(lines[-1].status(), 10) == 503
    finally:
        for line in lines:
            line.close()


def test_events_that_come_too_fast_over_rest(tmp_path_factory: pytest.TempPathFactory) -> None:
    limits = {"SESSIONMOOD_SESSION_EVENTS_PER_SECOND": 2, "SESSIONMOOD_NEW_SESSIONS_PER_SECOND": 0.5}
    with running(tmp_path_factory.mktemp("slow"), **limits) as server:
        session = fresh()
        first = server.post(session, [CLICK] * 15, key=server.pk)
        assert first.headers["ratelimit-policy"] == '"session";q=20;w=10'
        assert first.headers["ratelimit"].startswith('"session";r=5;t=')
        token = {"x-session-token": first.json()["token"]}
        refused = server.post(session, [CLICK] * 15, key=server.pk, **token)
        assert (refused.status_code, refused.json()["code"]) == (429, "rate_limited")
        assert 1 <= int(refused.headers["retry-after"]) <= 5
        assert refused.headers["ratelimit"].startswith('"session";r=0;t=')
        assert server.post(session, [CLICK] * 15).status_code == 200  # a secret key has no such limit
        answers = [server.post(fresh(), CLICK, key=server.pk) for _ in range(8)]
        assert [answer.status_code for answer in answers[:4]] == [200] * 4
        assert answers[-1].status_code == 429
        assert answers[-1].json()["limit"] == "new_sessions"


def test_an_address_sends_so_many_events_however_many_sessions_it_has(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    limits = {"SESSIONMOOD_ADDRESS_EVENTS_PER_SECOND": 2, "SESSIONMOOD_TRUSTED_PROXIES": "127.0.0.1"}
    with running(tmp_path_factory.mktemp("address"), **limits) as server:

        def post(address: str, key: str = "") -> httpx2.Response:
            return server.post(fresh(), [CLICK] * 12, key=key or server.pk, **{"x-forwarded-for": address})

        assert post("192.0.2.7").status_code == 200
        refused = post("192.0.2.7")
        assert (refused.status_code, refused.json()["limit"]) == (429, "address")
        assert 1 <= int(refused.headers["retry-after"]) <= 5
        assert post("192.0.2.8").status_code == 200
        assert post("192.0.2.7", server.sk).status_code == 200  # a customer's own server


async def test_both_doors_draw_from_one_bucket(tmp_path_factory: pytest.TempPathFactory) -> None:
    with running(tmp_path_factory.mktemp("one"), SESSIONMOOD_SESSION_EVENTS_PER_SECOND=1) as server:
        session = fresh()
        token = server.post(session, [CLICK] * 9, key=server.pk).json()["token"]
        async with server.socket(session, key="") as socket:
            await socket.hello(key=server.pk, token=token, producer="p")
            await socket.send({"op": "events", "seq": 1, "events": [CLICK] * 8})
            nack = await socket.until("nack")
            assert (nack["code"], nack["seq"]) == ("rate_limited", 1)
            assert 0 < nack["retry_ms"] <= 10_000
            await asyncio.sleep(nack["retry_ms"] / 1000)
            await socket.send({"op": "events", "seq": 1, "events": [CLICK] * 8})
            assert (await socket.until("ack"))["accepted"] == 8


async def test_a_key_with_a_rate_of_its_own(tight: ServerProcess) -> None:
    made = httpx2.post(
        f"{tight.base}/v1/keys",
        json={"kind": "sk", "events_per_second": 1},
        headers={"x-api-key": tight.sk},
    ).json()
    assert tight.post(fresh(), [CLICK] * 10, key=made["key"]).status_code == 200
    refused = tight.post(fresh(), [CLICK] * 10, key=made["key"])
    assert (refused.status_code, refused.json()["limit"]) == (429, "key")
    async with tight.socket(fresh(), key=made["key"]) as socket:
        await socket.hello(producer="p")
        await socket.send({"op": "events", "seq": 1, "events": [CLICK] * 10})
        assert (await socket.until("nack"))["code"] == "rate_limited"


async def test_one_session_has_so_many_listeners(tight: ServerProcess) -> None:
    session = fresh()
    tight.post(session, CLICK)
    path = f"/v1/sessions/{session}/mood"
    reading = tight.get(path)
    async with httpx2.AsyncClient(
        headers={"x-api-key": tight.sk, "if-none-match": reading.headers["etag"]},
        limits=httpx2.Limits(max_connections=30),
    ) as client:
        held = [asyncio.ensure_future(client.get(f"{tight.base}{path}?wait=20")) for _ in range(30)]
        async with contextlib_stack(tight, session, 34):
            async with asyncio.timeout(30):
                while (await client_status(tight, session)) != 4101:
                    await asyncio.sleep(0.05)
            tight.post(session, [{"type": "rage_click"}] * 4)
            answers = await asyncio.gather(*held)
    assert {answer.status_code for answer in answers} == {200}


async def client_status(server: ServerProcess, session: str) -> int:
    """How one more socket fares: its close code, 0 when it may stay."""
    line = await Line.open(Target(server, server.sk, "one-more", []))
    try:
        await line.handshake(Target(server, server.sk, "one-more", []), session)
        try:
            return await asyncio.wait_for(line.code(), 1)
        except TimeoutError:
            return 0
    finally:
        line.close()


class contextlib_stack:
    """So many sockets of one session, open."""

    def __init__(self, server: ServerProcess, session: str, count: int) -> None:
        self.target = Target(server, server.sk, "listener", [])
        self.session = session
        self.count = count
        self.lines: list[Line] = []

    async def __aenter__(self) -> None:
        for _ in range(self.count):
            line = await Line.open(self.target)
            await line.handshake(self.target, self.session)
            self.lines.append(line)

    async def __aexit__(self, *_: object) -> None:
        for line in self.lines:
            line.close()


def test_a_session_id_costs_no_memory_for_long(tmp_path_factory: pytest.TempPathFactory) -> None:
    limits = {"SESSIONMOOD_MAX_SESSIONS": 50, "SESSIONMOOD_NEW_SESSIONS_PER_SECOND": 0}
    with running(tmp_path_factory.mktemp("few"), **limits) as server:
        with httpx2.Client(headers={"x-api-key": server.pk}) as client:
            names = [fresh() for _ in range(300)]
            for name in names:
                while (answer := client.post(server.url(name), json=CLICK)).status_code == 503:
                    assert answer.json()["code"] == "overloaded"
                    time.sleep(0.05)
                assert answer.status_code == 200

        def in_memory() -> float:
            text = httpx2.get(f"{server.base}/metrics").text
            return float(text.split("\nsessionmood_sessions ")[1].split()[0])

        # a few are woken now and then because time changes their mood
        wait_until(lambda: in_memory() <= 75, what="sessions leaving memory")
        for name in names[::60]:  # on disk they are all there
            assert server.get(f"/v1/sessions/{name}/mood").json()["event_count"] == 1


def test_the_file_limit_leaves_room_for_requests() -> None:
    from app.config import Settings

    settings = Settings()
    assert settings.connection_cap + settings.request_cap <= settings.file_cap
    assert settings.waiting_cap < settings.request_cap


def test_a_port_scan_leaves_nothing_behind(tight: ServerProcess) -> None:
    for garbage in (b"\x16\x03\x01\x02\x00\x01", b"\0" * 100, b"SSH-2.0-x\r\n", b"GET\r\n\r\n", b"\r\n" * 50):
        with socket.create_connection(("127.0.0.1", tight.port)) as line:
            line.settimeout(20)
            line.sendall(garbage)
            while line.recv(4096):
                pass
    assert "Traceback" not in tight.output()


async def test_who_misuses_sockets_or_asks_without_end_waits(tight: ServerProcess) -> None:
    """Their address only: others come in as before."""

    def held() -> int:
        text = httpx2.get(tight.base + "/metrics").text
        return round(float(text.partition("\nsessionmood_held_back_total ")[2].split()[0]))

    for attack in (hostile.broken_utf8, hostile.a_megabyte, hostile.floods_pings):
        before = held()
        async with asyncio.timeout(60):
            while held() == before:
                await attack(Target(tight, tight.pk, attack.__name__, [], "127.0.3.1"))
    before = held()
    asking = Target(tight, tight.pk, "asks", [], "127.0.3.2")
    asker = asyncio.create_task(hostile.asks_whether_all_is_well(asking))
    async with asyncio.timeout(60):
        while held() == before:
            await asyncio.sleep(0.05)
    asker.cancel()
    assert set(asking.seen) == {200}
    before = held()
    line = await Line.open(Target(tight, tight.pk, "other", [], "127.0.3.3"))
    await line.handshake(Target(tight, tight.pk, "other", []))
    line.close()
    assert held() == before
