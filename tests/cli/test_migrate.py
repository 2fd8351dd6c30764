"""`sessionmood migrate`: there and back, every event once."""

import asyncio
import sqlite3
from pathlib import Path

import pytest

from app.lab import migrating
from app.storage import Entry, HistoryRow, Key
from app.storage.postgres.database import PostgresStorage
from app.storage.postgres.place import PostgresPlace
from app.storage.sqlite.database import SQLiteStorage
from app.storage.sqlite.place import SQLitePlace
from app.storage.whole import OTHERS
from tests.cli.running import sessionmood
from tests.support.stored import batch, change, row

SESSIONS = 30


async def filled(path: Path) -> None:
    storage = SQLiteStorage(path, sole=True)
    await storage.open()
    for n in range(SESSIONS):
        name = ["s", "S", "ß"][n % 3] + str(n)
        for version in range(1, 2 + n % 5):
            page = "/with\0nul" if n == 7 else "/"
            storage.submit(
                Entry(
                    row(name, version, project="pq"[n % 2], page=page, created_at=n * 40_000_000),
                    batch(version, producer=None if n == 3 else "tab"),
                    [change(version), change(version, "curious")] if n % 2 else (),
                    b"state" if n % 4 == 0 else None,
                    HistoryRow("bored", 0.1 + 0.2, 5, None, b"{}", b"[]") if n % 3 == 0 else None,
                )
            )
    await storage.settled()
    await storage.secret("token")
    await storage.add_key(
        Key("k1", "p", "pk", b"\x00" * 32, "web", 1_000, None, ("https://a.example",), 5, 1.5)
    )
    await storage.count_session("k1", "2026-11", "s0")
    await storage.see_clock(77)
    await storage.close()


async def contents(path: Path) -> list[object]:
    storage = SQLiteStorage(path, sole=True)
    await storage.open()
    place = SQLitePlace(storage)
    found: list[object] = [whole.digest() for whole in await place.page(("", ""), 1000)]
    for table in OTHERS:
        found.append(sorted(map(tuple, await place.others(table))))
    await storage.close()
    return found


def run(source: object, target: object) -> str:
    ran = sessionmood("migrate", "--from", source, "--to", target)
    assert ran.code == 0, ran.out + ran.err
    return ran.err


async def test_there_and_back(tmp_path: Path, postgres_url: str) -> None:
    there, back = tmp_path / "there.db", tmp_path / "back.db"
    await filled(there)
    with sqlite3.connect(there) as plain:
        (events,) = plain.execute("SELECT sum(count) FROM log").fetchone()
    plain.close()
    told = await asyncio.to_thread(run, f"sqlite:///{there}", postgres_url)
    assert f"{SESSIONS} sessions with {events} events copied and compared" in told
    told = await asyncio.to_thread(run, postgres_url, f"sqlite:///{back}")
    assert f"{SESSIONS} sessions with {events} events copied and compared" in told
    before, after = await contents(there), await contents(back)
    assert after == before
    exported = [
        sessionmood("export", "--project", "p", DATABASE_URL=url)
        for url in (f"sqlite:///{there}", postgres_url)
    ]
    assert sorted(exported[0].lines) == sorted(exported[1].lines)
    storage = PostgresStorage(postgres_url, server="sole")
    await storage.open()
    assert await storage.versions([("p", "s0"), ("q", "ß5")]) == [1, 1]
    await storage.submit(Entry(row("s0", 2, project="p"), batch(2)))  # it goes on
    await storage.close()


async def test_cut_short_it_goes_on_where_it_was(
    tmp_path: Path, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "there.db"
    await filled(path)
    monkeypatch.setattr(migrating, "PAGE", 7)
    source, target = SQLiteStorage(path, sole=True), PostgresStorage(postgres_url, server="sole")
    await source.open()
    await target.open()
    places = SQLitePlace(source), PostgresPlace(target)

    def cut(done: int, whole: int) -> None:
        if done > 14:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        await migrating.migrate(*places, cut)
    await target.erase("p", "s0")  # and one is gone, one has another content
    await target.submit(Entry(row("s6", 3, project="p"), batch(3)))
    moved = await migrating.migrate(*places, lambda done, whole: None)
    assert (moved.sessions, moved.there, moved.differ, moved.extra) == (SESSIONS, 19, [], 0)
    await source.close()
    await target.close()


def test_what_can_not_be(tmp_path: Path) -> None:
    ran = sessionmood("migrate", "--from", "sqlite:///a.db", "--to", "sqlite:///a.db")
    assert (ran.code, "same database" in ran.err) == (2, True)
    ran = sessionmood("migrate", "--from", f"sqlite:///{tmp_path}/a.db", "--to", "postgresql://localhost/x")
    assert (ran.code, "there is no database" in ran.err) == (1, True)
    ran = sessionmood("migrate", "--from", "oracle://a", "--to", "sqlite:///a.db")
    assert (ran.code, "--from is oracle://a" in ran.err) == (2, True)
