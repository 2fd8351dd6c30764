"""Three stories, each told by an attacker who has nothing but a page's source, and so its publishable key: take over
`user_123`, silence a visitor, use up a customer's month."""

import asyncio
import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from app.config.settings import Settings
from app.web import create_app
from tests.support.keys import make
from tests.support.server import ServerProcess, Socket, fresh, running

CLICK = {"type": "click"}


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A customer's server. A session may send 20 events a second, 200 at once."""
    limits = {"SESSIONMOOD_SESSION_EVENTS_PER_SECOND": 20, "SESSIONMOOD_LONGEST_HOLD": 0}
    with running(tmp_path_factory.mktemp("shop"), **limits) as server:
        yield server


def post(shop: ServerProcess, session: str, body: object, token: str = "", key: str = "") -> httpx2.Response:
    return shop.post(session, body, key or shop.pk, **({"x-session-token": token} if token else {}))


def mint(shop: ServerProcess, session: str, **wanted: float) -> str:
    url, headers = f"{shop.base}/v1/sessions/{session}/token", {"x-api-key": shop.sk}
    return str(httpx2.post(url, json=wanted or None, headers=headers).json()["token"])


def erase(shop: ServerProcess, session: str) -> int:
    url, headers = f"{shop.base}/v1/sessions/{session}", {"x-api-key": shop.sk}
    return httpx2.delete(url, headers=headers).status_code


def disputed(shop: ServerProcess) -> float:
    text = httpx2.get(f"{shop.base}/metrics").text
    return float(text.partition("\nsessionmood_disputed_sessions_total ")[2].split()[0])


async def opens_nothing(shop: ServerProcess, session: str, token: str | None) -> None:
    """Neither reads, nor writes, nor listens."""
    assert post(shop, session, CLICK, token or "").status_code == 403
    lines = {"x-session-token": token} if token else {}
    assert shop.get(f"/v1/sessions/{session}/mood", shop.pk, **lines).status_code == 403
    async with shop.socket(session, key="") as socket:
        await socket.send({"op": "hello", "key": shop.pk, "token": token})
        code, frames = await socket.closed()
        assert (code, [frame["op"] for frame in frames]) == (4010, ["error"])


@contextlib.asynccontextmanager
async def hello(shop: ServerProcess, session: str, **said: Any) -> Any:
    async with shop.socket(session, key="") as socket:
        yield socket, await socket.hello(key=shop.pk, **said)


async def sends(socket: Socket, seq: int) -> None:
    await socket.send({"op": "events", "seq": seq, "events": [CLICK]})
    await socket.until("ack", seq=seq)


# 1: take over user_123


@pytest.mark.parametrize("owner", ["page", "server", "page with a minted token"])
async def test_a_stranger_who_was_there_first_gets_nothing_of_what_comes(
    shop: ServerProcess, owner: str
) -> None:
    user = f"user_{fresh()}"
    tokens = [post(shop, user, []).json()["token"]]
    async with hello(shop, user, producer="x") as (stranger, welcome):
        tokens.append(welcome["token"])
        before = disputed(shop)
        if owner == "page":
            async with hello(shop, user, producer="p") as (page, mine):
                await sends(page, 1)
                assert (await page.hello(key=shop.pk, producer="p", token=mine["token"]))["ack"] == 1
        elif owner == "server":
            assert shop.post(user, CLICK).status_code == 200
            await stranger.send(CLICK)  # a socket that says nothing hears nothing; this one is told
        else:
            token = mint(shop, user)
            async with hello(shop, user, producer="p", token=token) as (page, mine):
                assert mine["token"] == token
                await sends(page, 1)
            await stranger.send(CLICK)
        code, frames = await stranger.closed()
        assert code == 4010
        assert {frame["op"] for frame in frames} == {"error"}
        assert disputed(shop) > before
    for token in [*tokens, None]:
        await opens_nothing(shop, user, token)
    assert shop.get(f"/v1/sessions/{user}/mood").json()["event_count"] == 1


async def test_what_a_stranger_opened_is_the_servers_once_it_mints(shop: ServerProcess) -> None:
    user = f"user_{fresh()}"
    async with hello(shop, user, producer="x") as (stranger, welcome):
        await sends(stranger, 1)
        stolen = post(shop, user, [], welcome["token"]).json()["token"]
        async with shop.socket(user) as server:  # who came with a secret key stays
            await server.hello()
            minted = mint(shop, user)
            assert (await stranger.closed())[0] == 4010
            await server.send({"op": "ping"})
            await server.until("pong")
    await opens_nothing(shop, user, welcome["token"])
    await opens_nothing(shop, user, stolen)
    again = mint(shop, user)  # the page's other half, an hour later
    for token in (minted, again):
        assert post(shop, user, CLICK, token).status_code == 200


async def test_what_a_stranger_sent_slows_nobody_down_once_the_server_mints(shop: ServerProcess) -> None:
    user = f"user_{fresh()}"
    token = post(shop, user, CLICK).json()["token"]
    while (answer := post(shop, user, [CLICK] * 200, token)).status_code == 200:
        pass
    assert answer.status_code == 429
    assert post(shop, user, [CLICK] * 200, mint(shop, user)).status_code == 200


async def test_an_id_that_the_server_minted_for_waits_for_its_token(shop: ServerProcess) -> None:
    user = f"user_{fresh()}"
    token = mint(shop, user)
    shop.kill()
    shop.start()
    assert post(shop, user, CLICK).status_code == 403
    assert post(shop, user, []).status_code == 403
    async with shop.socket(user, key="") as socket:
        await socket.send({"op": "hello", "key": shop.pk})
        assert (await socket.closed())[0] == 4010
    assert shop.get(f"/v1/sessions/{user}").status_code == 404  # nothing has happened in it
    assert shop.get(f"/v1/sessions/{user}/timeline").status_code == 404
    assert user not in shop.get("/v1/sessions?limit=500").text
    assert post(shop, user, CLICK, token).json()["accepted"] == 1
    assert user in shop.get("/v1/sessions?limit=500").text


async def test_tokens_die_with_an_erasure(shop: ServerProcess) -> None:
    user = f"user_{fresh()}"
    first = post(shop, user, []).json()["token"]
    own = post(shop, user, CLICK, first).json()["token"]
    minted = mint(shop, user)
    assert post(shop, user, CLICK, minted).status_code == 200
    assert erase(shop, user) == 204
    for token in (first, own, minted):
        await opens_nothing(shop, user, token)
    late = {
        "producer": "p",
        "seq": 57,
        "events": [CLICK],
    }  # a page that has not heard of it goes no round in circles
    assert post(shop, user, late, own).json()["code"] == "bad_token"
    next_one = post(shop, user, CLICK).json()["token"]
    for token in (first, own, minted):
        await opens_nothing(shop, user, token)
    assert post(shop, user, CLICK, next_one).status_code == 200
    unused = mint(shop, f"{user}.2")
    assert erase(shop, f"{user}.2") == 204
    await opens_nothing(shop, f"{user}.2", unused)


async def test_sixty_four_strangers_keep_nobody_out(shop: ServerProcess) -> None:
    user, minted_for = f"user_{fresh()}", f"user_{fresh()}"
    async with contextlib.AsyncExitStack() as crowd:
        for _ in range(70):
            await crowd.enter_async_context(hello(shop, user))
        for _ in range(70):
            await crowd.enter_async_context(hello(shop, minted_for))
        async with hello(shop, user, producer="p") as (page, _):
            await sends(page, 1)
        async with hello(shop, minted_for, producer="p", token=mint(shop, minted_for)) as (page, _):
            await sends(page, 1)


# What a page does at its first contact


@pytest.mark.parametrize("then", ["at once", "after a restart"])
async def test_the_token_of_the_first_contact_opens_the_session(shop: ServerProcess, then: str) -> None:
    for session, token in (
        (one := fresh(), post(shop, one, {"producer": "p", "seq": 1, "events": []}).json()["token"]),
        (two := fresh(), await said_hello(shop, two)),
    ):
        if then == "after a restart":
            shop.kill()
            shop.start()
        body = {"producer": "p", "seq": 1, "events": [CLICK]}
        assert post(shop, session, body, token).json()["ack"] == 1
        assert post(shop, session, body, token).json()["duplicates"] == 1  # the answer was lost
        shop.kill()
        shop.start()
        async with hello(shop, session, producer="p", token=token) as (_, welcome):
            assert welcome["ack"] == 1
            assert welcome["token"] != token  # this one opens nothing any more
            assert post(shop, session, CLICK, welcome["token"]).status_code == 200


async def said_hello(shop: ServerProcess, session: str) -> str:
    async with hello(shop, session, producer="p") as (_, welcome):
        return str(welcome["token"])


async def test_six_tabs_of_one_visit_are_one_session(shop: ServerProcess) -> None:
    visit = fresh()
    async with contextlib.AsyncExitStack() as tabs:
        first, welcome = await tabs.enter_async_context(hello(shop, visit, producer="p0"))
        others = [
            (await tabs.enter_async_context(hello(shop, visit, producer=f"p{n}", token=welcome["token"])))[0]
            for n in range(1, 6)
        ]
        await asyncio.gather(*(sends(tab, 1) for tab in (others[2], first, others[4])))
        await others[0].send({"op": "events", "seq": 1, "events": [{"type": "rage_click"}] * 4})
        for tab in (first, *others):
            assert (await tab.until("mood", mood="frustrated"))["event_count"] == 7


# 2: silence a visitor


async def test_what_a_stranger_sends_is_not_charged_to_the_visitor(shop: ServerProcess) -> None:
    visit = fresh()
    for _ in range(5):  # before there is a session
        assert post(shop, visit, []).status_code == 200
    token = post(shop, visit, [CLICK], post(shop, visit, []).json()["token"]).json()["token"]
    for guess in ("", "a.b.c", post(shop, fresh(), []).json()["token"]):
        for _ in range(3):
            assert post(shop, visit, [CLICK] * 199, guess).status_code == 403
    answer = post(shop, visit, [CLICK] * 199, token)
    assert (answer.status_code, answer.json()["accepted"]) == (200, 199)


async def test_strangers_leave_nothing_behind_in_memory(shop: ServerProcess) -> None:
    def in_memory() -> str:
        return httpx2.get(f"{shop.base}/metrics").text.partition("\nsessionmood_sessions ")[2].split()[0]

    shop.kill()
    shop.start()
    before = in_memory()
    for n in range(30):
        assert post(shop, fresh(), []).status_code == 200
        assert post(shop, fresh(), [CLICK], "junk" * n + ".x.y").status_code in (200, 403)
        assert shop.get(f"/v1/sessions/{fresh()}/mood", shop.pk).status_code == 404
    assert float(in_memory()) - float(before) <= 1  # the one without any token
    assert "Traceback" not in shop.output()


async def test_who_is_refused_touches_no_bucket(tmp_path: Path) -> None:
    app = create_app(Settings(database_url=f"sqlite:///{tmp_path / 'test.db'}", longest_hold=0))
    await app.start()
    try:
        key = {"x-api-key": app.pages.fresh_keys["pk"]}
        transport = httpx2.ASGITransport(app)
        async with httpx2.AsyncClient(transport=transport, base_url="http://shop", headers=key) as client:
            token = (await client.post("/v1/sessions/visit/events", json=CLICK)).json()["token"]
            buckets = app.doors.rates._sessions
            assert len(buckets) == 1
            for n in range(50):
                for body, said in ((CLICK, "junk.of.mine"), ([], "")):
                    await client.post(
                        f"/v1/sessions/guess{n}/events", json=body, headers={"x-session-token": said}
                    )
                answer = await client.post("/v1/sessions/visit/events", json=[CLICK] * 100)
                assert answer.status_code == 403
            assert (len(buckets), len(app.ingest.sessions)) == (1, 1)
            mine = {"x-session-token": token}
            answer = await client.post("/v1/sessions/visit/events", json=[CLICK] * 100, headers=mine)
            left = int(answer.headers["ratelimit"].partition("r=")[2].partition(";")[0])
            assert left >= 1899  # of 2,000, and more as time goes on
    finally:
        await app.stop()


# 3: use up a customer's month


async def test_only_sessions_with_an_event_count(shop: ServerProcess) -> None:
    pk = make(shop, kind="pk", monthly_sessions=3)["key"]
    for _ in range(10):
        assert post(shop, fresh(), [], key=pk).status_code == 200
        out_of_order = {"producer": "p", "seq": 5, "events": [CLICK]}
        assert post(shop, fresh(), out_of_order, key=pk).status_code == 409
        assert post(shop, fresh(), [CLICK], "a.b.c", pk).status_code == 403
        async with shop.socket(fresh(), key="") as socket:
            await socket.hello(key=pk)
            await socket.send({"op": "events", "seq": 1, "events": []})
    visits = [fresh() for _ in range(3)]
    assert [post(shop, visit, CLICK, key=pk).status_code for visit in visits] == [200] * 3
    assert post(shop, fresh(), CLICK, key=pk).json()["code"] == "over_quota"
    assert post(shop, fresh(), [], key=pk).json()["code"] == "over_quota"


async def test_the_demo_is_no_way_around_origin_and_quota(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("demo")
    with running(folder) as server:
        demo = key_of_demo(server)
        visit = fresh()
        assert server.post(visit, CLICK, demo).status_code == 200
        assert server.get(f"/v1/sessions/{visit}").status_code == 404  # another project's
        made = make(server, kind="pk", origins=["https://shop.example"], monthly_sessions=1)
        gone = httpx2.get(f"{server.base}/demo")
        assert (gone.status_code, "SESSIONMOOD_DEMO" in gone.text) == (404, True)
        told = httpx2.get(f"{server.base}/demo", headers={"accept": "text/html,*/*"})  # people get a page
        assert (told.status_code, told.headers["content-type"]) == (404, "text/html; charset=utf-8")
        assert "<h1>The demo is off</h1>" in told.text
        assert "SESSIONMOOD_DEMO=on" in told.text
        assert httpx2.get(f"{server.base}/").headers["location"] == "/docs"
        assert server.post(visit, CLICK, demo).status_code == 401
        assert server.stop() == 0
        server.settings = {"SESSIONMOOD_DEMO": "on"}
        server.start()
        assert key_of_demo(server) == demo
        assert made["key"] not in httpx2.get(f"{server.base}/demo").text


def key_of_demo(server: ServerProcess) -> str:
    page = httpx2.get(f"{server.base}/demo").text
    return "pk_" + page.partition("pk_")[2].partition('"')[0]
