"""Every kind of hostile client gets the answer that the contract has for it, and in time."""

import asyncio
import contextlib
import socket
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx2
import pytest

from tests.security import hostile
from tests.security.hostile import Attack
from tests.support.lines import Line, Target
from tests.support.metrics import metrics
from tests.support.server import ServerProcess, fresh, running, wait_until

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


@pytest.fixture(scope="module")
def patient(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server with the usual deadlines, for what must not run into one where the machine stands still."""
    limits = {"SESSIONMOOD_TRUSTED_PROXIES": "192.0.2.1", "SESSIONMOOD_MAX_CONNECTIONS_PER_ADDRESS": 40}
    with running(tmp_path_factory.mktemp("patient"), **limits) as server:
        yield server


@pytest.mark.parametrize(
    ("attack", "answer"),
    [
        (hostile.half_a_handshake, 408),
        (hostile.handshake_and_no_hello, 4003),
        (hostile.headers_without_end, 431),
        (hostile.dribbles_a_body, 408),
        (hostile.trailers_without_end, 431),
        (hostile.fragments_without_end, 4009),
        (hostile.a_megabyte, 4009),
        (hostile.two_megabytes_in_pieces, 4009),
        (hostile.broken_utf8, 1007),
        (hostile.deep_json, 4129),
        (hostile.floods_events, 4129),
        (hostile.floods_pings, 4129),
        (hostile.floods_hellos, 4129),
        (hostile.floods_nonsense_in_one_packet, 4129),
    ],
    ids=lambda value: getattr(value, "__name__", str(value)),
)
async def test_each_gets_its_answer(
    tight: ServerProcess, patient: ServerProcess, attack: Attack, answer: int
) -> None:
    seen: list[int | str] = []
    server = (
        tight if answer in (408, 4003) else patient
    )  # those are of a deadline, the others may take their time
    async with asyncio.timeout(120):
        await attack(Target(server, server.pk, attack.__name__, seen))
    assert seen == [answer]


async def test_who_says_nothing_is_let_go(tight: ServerProcess) -> None:
    async with asyncio.timeout(30):
        await hostile.says_nothing(Target(tight, tight.pk, "silent", []))


@pytest.mark.parametrize("attack", [hostile.never_reads, hostile.reads_one_byte_a_second])
async def test_who_does_not_read_is_cut_off(tight: ServerProcess, attack: Attack) -> None:
    with pytest.raises(ConnectionError):  # no TimeoutError, which is an OSError
        async with asyncio.timeout(100):
            await attack(Target(tight, tight.pk, attack.__name__, []))


@pytest.mark.slow
async def test_a_frame_that_takes_for_ever(tight: ServerProcess) -> None:
    seen: list[int | str] = []
    await hostile.dribbles_a_frame(Target(tight, tight.pk, "dribble", seen))
    assert seen == [4102]


async def test_huge_names_are_refused_and_the_socket_goes_on(patient: ServerProcess) -> None:
    async with patient.socket(fresh()) as socket:
        await socket.send({"type": "x" * 65})
        assert (await socket.until("nack"))["code"] == "bad_event"
        await socket.send({"type": "click", "target": "x" * 201})
        assert (await socket.until("nack"))["code"] == "bad_event"
        await socket.send(CLICK)
        await socket.until("ack")


async def test_an_address_has_so_many_sockets_and_requests_still_come_through(patient: ServerProcess) -> None:
    async with asyncio.timeout(60):
        target = Target(patient, patient.sk, "many", [])
        lines = [await hostile._opened(target) for _ in range(40)]
        try:
            late = await hostile._opened(target)
            assert await late.code() == 4101
            late.close()
            assert patient.get("/readyz").status_code == 200
            assert patient.post(fresh(), CLICK).status_code == 200
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


async def test_an_address_has_so_many_connections_without_a_request(patient: ServerProcess) -> None:
    lines = [await Line.open(Target(patient, patient.sk, "idle", [])) for _ in range(41)]
    try:
        assert await asyncio.wait_for(lines[-1].status(), 60) == 503
    finally:
        for line in lines:
            line.close()


async def test_all_addresses_together_have_so_many_connections_without_a_request(tmp_path: Path) -> None:
    """512 files make 76 of them, 19 an address. The longest silent one gives way, and requests are still answered."""
    server = ServerProcess(tmp_path, SESSIONMOOD_REQUEST_TIMEOUT=300)
    server.python = ["sh", "-c", 'ulimit -n 512; exec "$0" "$@"', sys.executable]
    silent: list[socket.socket] = []
    try:
        server.start()
        for number in range(2, 8):
            for _ in range(19):
                line = socket.create_connection(("127.0.0.1", server.port), 60, (f"127.0.0.{number}", 0))
                silent.append(line)
        assert server.get("/livez").status_code == 200
        silent[0].settimeout(60)
        with contextlib.suppress(ConnectionResetError):
            assert silent[0].recv(1) == b""  # it was cut
        assert metrics(server)["sessionmood_request_connections"] <= 76
    finally:
        for line in silent:
            line.close()
        server.close()


def until_refused(post: Callable[[], httpx2.Response]) -> tuple[int, httpx2.Response]:
    """How often it was taken, and the first refusal. On a slow machine what was taken is paid for meanwhile."""
    taken = 0
    while (answer := post()).status_code == 200:
        taken += 1
    return taken, answer


def test_events_that_come_too_fast_over_rest(tmp_path_factory: pytest.TempPathFactory) -> None:
    limits = {"SESSIONMOOD_SESSION_EVENTS_PER_SECOND": 2, "SESSIONMOOD_NEW_SESSIONS_PER_SECOND": 0.5}
    with running(tmp_path_factory.mktemp("slow"), **limits) as server:
        session = fresh()
        began = time.monotonic()
        first = server.post(session, [CLICK] * 15, key=server.pk)
        assert first.headers["ratelimit-policy"] == '"session";q=20;w=10'
        assert first.headers["ratelimit"].startswith('"session";r=5;t=')
        token = {"x-session-token": first.json()["token"]}
        more, refused = until_refused(lambda: server.post(session, [CLICK] * 15, key=server.pk, **token))
        assert 15 + 15 * more <= 20 + 2 * (time.monotonic() - began)
        assert (refused.status_code, refused.json()["code"]) == (429, "rate_limited")
        assert 1 <= int(refused.headers["retry-after"]) <= (8 if more else 5)
        assert refused.headers["ratelimit"].startswith('"session";r=0;t=')
        assert server.post(session, [CLICK] * 15).status_code == 200  # a secret key has no such limit
        opened, refused = until_refused(lambda: server.post(fresh(), CLICK, key=server.pk))
        assert 5 <= 1 + opened <= 5 + 0.5 * (time.monotonic() - began)
        assert (refused.status_code, refused.json()["limit"]) == (429, "new_sessions")


def test_an_address_sends_so_many_events_however_many_sessions_it_has(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    limits = {"SESSIONMOOD_ADDRESS_EVENTS_PER_SECOND": 2, "SESSIONMOOD_TRUSTED_PROXIES": "127.0.0.1"}
    with running(tmp_path_factory.mktemp("address"), **limits) as server:

        def post(address: str, key: str = "") -> httpx2.Response:
            return server.post(fresh(), [CLICK] * 12, key=key or server.pk, **{"x-forwarded-for": address})

        began = time.monotonic()
        taken, refused = until_refused(lambda: post("192.0.2.7"))
        assert 12 <= 12 * taken <= 20 + 2 * (time.monotonic() - began)
        assert (refused.status_code, refused.json()["limit"]) == (429, "address")
        assert 1 <= int(refused.headers["retry-after"]) <= (6 if taken > 1 else 2)
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


async def test_a_key_with_a_rate_of_its_own(patient: ServerProcess) -> None:
    made = httpx2.post(
        f"{patient.base}/v1/keys",
        json={"kind": "sk", "events_per_second": 1},
        headers={"x-api-key": patient.sk},
    ).json()
    assert patient.post(fresh(), [CLICK] * 10, key=made["key"]).status_code == 200
    refused = patient.post(fresh(), [CLICK] * 10, key=made["key"])
    assert (refused.status_code, refused.json()["limit"]) == (429, "key")
    async with patient.socket(fresh(), key=made["key"]) as socket:
        await socket.hello(producer="p")
        await socket.send({"op": "events", "seq": 1, "events": [CLICK] * 10})
        assert (await socket.until("nack"))["code"] == "rate_limited"


async def test_one_session_has_so_many_listeners(patient: ServerProcess) -> None:
    session = fresh()
    patient.post(session, CLICK)
    path = f"/v1/sessions/{session}/mood"

    def held_requests() -> bool:
        return "\nsessionmood_held_requests 30.0" in httpx2.get(f"{patient.base}/metrics").text

    reading = patient.get(path)
    async with httpx2.AsyncClient(
        headers={"x-api-key": patient.sk, "if-none-match": reading.headers["etag"]},
        limits=httpx2.Limits(max_connections=30),
        timeout=120,
    ) as client:
        held = [asyncio.ensure_future(client.get(f"{patient.base}{path}?wait=60")) for _ in range(30)]
        async with contextlib_stack(patient, session, 34):
            # all of them first: one more that came before the last would have its place
            await asyncio.to_thread(wait_until, held_requests, 30, "30 held requests")
            assert await client_status(patient, session) == 4101
            patient.post(session, [{"type": "rage_click"}] * 4)
            answers = await asyncio.gather(*held)
    assert {answer.status_code for answer in answers} == {200}


async def client_status(server: ServerProcess, session: str) -> int:
    """How one more socket fares: its close code."""
    line = await Line.open(Target(server, server.sk, "one-more", []))
    try:
        await line.handshake(Target(server, server.sk, "one-more", []), session)
        return await asyncio.wait_for(line.code(), 30)
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
    from app.config.settings import Settings

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


async def test_who_misuses_sockets_or_asks_without_end_waits(patient: ServerProcess) -> None:
    """Their address only: others come in as before."""

    def held() -> int:
        text = httpx2.get(patient.base + "/metrics").text
        return round(float(text.partition("\nsessionmood_held_back_total ")[2].split()[0]))

    for attack in (hostile.broken_utf8, hostile.a_megabyte, hostile.floods_pings):
        before = held()
        async with asyncio.timeout(60):
            while held() == before:
                await attack(Target(patient, patient.pk, attack.__name__, [], "127.0.3.1"))
    before = held()
    asking = Target(patient, patient.pk, "asks", [], "127.0.3.2")
    # several lines: one alone may ask too slowly for that on a busy machine
    askers = [asyncio.create_task(hostile.asks_whether_all_is_well(asking)) for _ in range(8)]
    async with asyncio.timeout(120):
        while await asyncio.to_thread(held) == before:
            await asyncio.sleep(0.05)
    for asker in askers:
        asker.cancel()
    await asyncio.gather(*askers, return_exceptions=True)
    assert set(asking.seen) == {200}
    before = held()
    line = await Line.open(Target(patient, patient.pk, "other", [], "127.0.3.3"))
    await line.handshake(Target(patient, patient.pk, "other", []))
    line.close()
    assert held() == before
