"""A client that has seen more elsewhere than this node knows is pushed nothing older, from its first moment on."""

import asyncio
import dataclasses
from pathlib import Path

import pytest

from app.ingest.receipts import Receipt
from app.protocol.batches import Batch
from app.sessions.session import Session
from app.web import App
from tests.support.asgi import Page, running_app


def _slow_look(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    """While this node looks for what others wrote, a commit ends that was folded long before."""

    async def freshen(session: Session) -> None:
        app.ingest.others.push_reading(session, changed=True)
        for _ in range(5):  # long enough for it to be sent
            await asyncio.sleep(0)

    monkeypatch.setattr(app.ingest, "freshen", freshen)


@pytest.mark.parametrize("by_headers", [False, True])
async def test_nothing_older_comes_before_the_welcome(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, by_headers: bool
) -> None:
    async with running_app(tmp_path) as app:
        key = app.pages.fresh_keys["sk"]
        first = Page(app, "s", x_api_key=key)
        await first.say({"op": "events", "events": [{"type": "click"}]})
        assert (await first.until("mood"))["event_count"] == 1
        _slow_look(app, monkeypatch)
        page = Page(app, "s", **({"x_api_key": key} if by_headers else {}))
        await page.say(
            {"op": "hello", "every": True, "have": [9, app.clock()], **({} if by_headers else {"key": key})}
        )
        assert (await page.next())["op"] == "welcome"
        for _ in range(2):
            await first.say({"op": "events", "events": [{"type": "click"}] * 4})
        assert (await page.until("mood"))["event_count"] == 9
        for each in (first, page):
            await each.leave()


async def test_a_hello_that_had_to_wait_does_not_send_the_newer_socket_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running_app(tmp_path) as app:
        waits, go_on = asyncio.Event(), asyncio.Event()

        async def freshen(session: Session) -> None:
            if not waits.is_set():
                waits.set()
                await go_on.wait()

        monkeypatch.setattr(app.ingest, "freshen", freshen)
        hello = {"op": "hello", "key": app.pages.fresh_keys["sk"], "producer": "p"}
        old, new = Page(app, "s"), Page(app, "s")
        await old.say(hello)
        await waits.wait()
        await new.say(hello)
        await new.until("welcome")
        go_on.set()
        assert (await old.until("error"))["code"] == "superseded"
        await new.say({"op": "events", "seq": 1, "events": [{"type": "click"}]})
        assert (await new.until("ack"))["seq"] == 1
        for each in (old, new):
            await each.leave()


async def test_no_more_is_acked_than_what_was_folded_last(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A batch that came after others lost to another node together with them, and they were not sent again."""
    async with running_app(tmp_path) as app:
        take, receipts = app.ingest.conflicts.take, []

        def lose(session: Session, batch: Batch, now: int, offset: int | None, last: bool = True) -> Receipt:
            receipt = take(session, batch, now, offset, last)
            receipts.append(Receipt(dataclasses.replace(receipt.outcome, ack=7), asyncio.Future()))
            return receipts[-1]

        monkeypatch.setattr(app.store, "sole", False)
        monkeypatch.setattr(app.ingest.conflicts, "take", lose)
        page = Page(app, "s")
        await page.say({"op": "hello", "key": app.pages.fresh_keys["pk"], "producer": "p"})
        await page.until("welcome")
        await page.say({"op": "events", "seq": 1, "events": [{"type": "click"}]})
        while not receipts:
            await asyncio.sleep(0)
        receipts[0].outcome = dataclasses.replace(receipts[0].outcome, ack=1)
        receipts[0].durable.set_result(None)
        assert (await page.until("ack"))["seq"] == 1
        await page.leave()
