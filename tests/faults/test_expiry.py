"""Retention while a page still listens: the session goes whole, and the page begins another one."""

from pathlib import Path

from tests.support.asgi import Page, running_app


async def test_a_live_page_is_sent_away_and_nothing_is_left_of_the_session(tmp_path: Path) -> None:
    async with running_app(tmp_path) as app:
        page = Page(app, "s")
        hello = {"op": "hello", "key": app.pages.fresh_keys["pk"], "producer": "p"}
        await page.say(hello)
        token = (await page.until("welcome"))["token"]
        await page.say({"op": "events", "seq": 1, "events": [{"type": "click"}]})
        await page.until("ack")
        assert await app.doors.expire(app.clock() - 60_000, 100) == 0
        assert await app.doors.expire(app.clock() + 1, 100) == 1
        assert (await page.until("error"))["code"] == "bad_token"
        assert (await page.until("close"))["code"] == 4010
        await page.leave()
        assert len(app.ingest.sessions) == 0
        assert await app.store.load("default", "s") is None
        again = Page(app, "s")
        await again.say({**hello, "token": token})
        assert (await again.until("close"))["code"] == 4010
        await again.leave()
        fresh = Page(app, "s")
        await fresh.say(hello)
        assert (await fresh.until("welcome"))["ack"] == 0
        await fresh.leave()
        assert app.ingest.counters.expired == 1
