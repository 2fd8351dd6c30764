"""Notices between nodes, over a real Valkey that is paused, killed, cut off and started again."""

import asyncio
import logging

import pytest
import redis

from app.bus import BusAway, Notice
from app.bus.valkey import ValkeyBus
from tests.bus.conftest import Node, node, until
from tests.faults.proxy import Fault, Proxy
from tests.support.engines import Valkey, valkey

_COUNT = "return redis.call('INCRBY', KEYS[1], ARGV[1])"


async def test_who_listens_to_a_session_hears_of_it_and_of_no_other(engine: Valkey) -> None:
    async with node(engine.url()) as a, node(engine.url()) as b:
        b.bus.listen("p", "mine")
        await until(lambda: b.listening == [("p", "mine")])
        a.news("other")
        a.news("mine", 7)
        await until(lambda: b.heard)
        assert b.heard == [Notice("news", a.bus.node, "p", "mine", "n", 7)]
        assert a.heard == [], "its own notices are no news to a node"
        await until(lambda: a.bus.state().published == 2)


async def test_who_left_a_session_hears_no_more_and_may_come_again_at_once(engine: Valkey) -> None:
    async with node(engine.url()) as a, node(engine.url()) as b:
        b.bus.listen("p", "s")
        await until(lambda: b.listening)
        for _ in range(20):
            b.bus.leave("p", "s")
            await asyncio.sleep(0)
            b.bus.listen("p", "s")
            await asyncio.sleep(0)
        b.bus.listen("p", "end")
        await until(lambda: ("p", "end") in b.listening)
        a.news("s", 2)
        await until(lambda: b.heard)
        b.bus.leave("p", "s")
        b.bus.listen("p", "later")
        await until(lambda: ("p", "later") in b.listening)
        a.news("s", 3)
        a.news("later", 1)
        await until(lambda: len(b.heard) == 2)
        assert [notice.session for notice in b.heard] == ["s", "later"]
        assert b.bus.state().reconnects == 0


async def test_all_nodes_hear_of_what_was_erased(engine: Valkey) -> None:
    async with node(engine.url()) as a, node(engine.url()) as b, node(engine.url(), "another database") as c:
        a.bus.publish(Notice("erased", a.bus.node, "p", "gone"))
        a.bus.publish(Notice("keys", a.bus.node))
        await until(lambda: len(b.heard) == 2)
        assert [notice.kind for notice in b.heard] == ["erased", "keys"]
        assert c.heard == [], "it shares the Valkey, not the database"


async def test_of_many_sessions_each_hears_its_own(engine: Valkey) -> None:
    async with node(engine.url()) as a, node(engine.url()) as b:
        for n in range(3000):
            b.bus.listen("p", f"s{n}")
        await until(lambda: len(b.listening) == 3000)
        for n in range(0, 3000, 3):
            a.news(f"s{n}", n + 1)
        await until(lambda: len(b.heard) == 1000)
        assert {(x.session, x.version) for x in b.heard} == {(f"s{n}", n + 1) for n in range(0, 3000, 3)}


async def test_nodes_count_each_other(engine: Valkey) -> None:
    async with node(engine.url(), "counted") as a:
        async with node(engine.url(), "counted"):
            await until(lambda: a.bus.state().nodes == 2)
        await until(lambda: a.bus.state().nodes == 1)


async def test_scripts_share_what_they_count(engine: Valkey) -> None:
    async with node(engine.url()) as a, node(engine.url()) as b:
        counts = [each.bus.evaluate(_COUNT, "count", 1) for each in (a, b) for _ in range(100)]
        assert sorted(await asyncio.gather(*counts)) == list(range(1, 201))  # type: ignore[type-var]


async def test_a_killed_bus_is_missed_at_once_and_found_again(caplog: pytest.LogCaptureFixture) -> None:
    with valkey() as server:
        async with node(server.url()) as a, node(server.url()) as b:
            b.bus.listen("p", "s")
            await until(lambda: b.listening)
            await asyncio.to_thread(server.kill)
            await until(lambda: a.went and b.went)
            assert b.bus.state().stale_since is not None
            with pytest.raises(BusAway):
                await a.bus.evaluate(_COUNT, "count", 1)
            a.news("s", 5)
            a.news("s", 6)
            b.bus.listen("p", "new")
            await asyncio.to_thread(server.start)
            await until(lambda: a.returned == 2 and b.returned == 2)
            await until(lambda: b.heard or a.bus.state().waiting == 0)
            a.news("s", 7)
            a.news("new", 1)
            await until(lambda: ("new", 1) in [(x.session, x.version) for x in b.heard])
            assert ("s", 5) not in [(x.session, x.version) for x in b.heard], "the newest is enough"
            assert b.bus.state().stale_since is None
    told = [r for r in caplog.records if r.name == "sessionmood.bus" and r.levelno >= logging.WARNING]
    assert len([r for r in told if "is back" in r.getMessage()]) == 2
    assert len([r for r in told if "is back" not in r.getMessage()]) == 2, "once each"


async def test_a_bus_that_stands_still_is_away_though_its_lines_are_open() -> None:
    with valkey() as server:
        async with node(server.url()) as a:
            server.pause()
            await until(lambda: a.went)
            state = a.bus.state()
            assert not state.up
            assert state.stale_since is not None
            server.resume()
            await until(lambda: a.returned == 2)


async def test_a_line_that_is_open_on_one_side_only_is_noticed(engine: Valkey) -> None:
    # every line until one was filled: which of them is the one for news is not known
    def fault() -> Fault:
        return Fault("none") if proxy.broken["black_hole"] else Fault("black_hole", "down", 4000)

    proxy = Proxy(engine.port, fault)
    async with proxy, node(f"redis://127.0.0.1:{proxy.port}") as a:
        for n in range(200):  # what confirms them fills the line until nothing passes any more
            a.bus.listen("p", f"s{n}")
        await until(lambda: a.bus.state().reconnects and a.bus.state().up)
        assert proxy.broken["black_hole"]
        assert a.went == 1


async def test_the_service_starts_while_there_is_no_bus() -> None:
    server = Valkey()
    try:
        each = Node(ValkeyBus(server.url(), lambda: 1))
        await each.bus.start("test")
        try:
            each.bus.listen("p", "s")
            each.news("s")
            assert each.bus.state().stale_since == 1
            await asyncio.to_thread(server.start)
            await until(lambda: each.returned)
            await until(lambda: each.bus.state().waiting == 0)
        finally:
            await each.bus.stop()
    finally:
        server.close()


async def test_a_password_that_is_wrong_is_told_without_it(caplog: pytest.LogCaptureFixture) -> None:
    with valkey() as server:
        with redis.Redis("127.0.0.1", server.port) as client:
            client.config_set("requirepass", "right-one")
        bus = ValkeyBus(f"redis://:wrong-one@127.0.0.1:{server.port}", lambda: 1)
        await bus.start("test")
        try:
            await until(lambda: [r for r in caplog.records if r.name == "sessionmood.bus"])
        finally:
            await bus.stop()
        assert "password of REDIS_URL" in caplog.text
        assert "wrong-one" not in caplog.text
        async with node(f"redis://:right-one@127.0.0.1:{server.port}"):
            pass
