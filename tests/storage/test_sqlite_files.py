"""Which file it is: copies put in its place, by `restore` and by hand, rightly and wrongly."""

import contextlib
import os
import shutil
import sqlite3
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from app import errors
from app.storage import Key
from app.storage.sqlite import identity
from app.storage.sqlite.damage import examine
from app.storage.sqlite.database import SQLiteStorage
from app.storage.sqlite.identity import Claim, Served, served, sizes
from app.storage.sqlite.restore import restore
from tests.support.stored import Make, entry, maker


def silent(_done: int, _all: int) -> None:
    """Nobody watches."""


async def filled(path: Path, *sessions: str) -> None:
    """A server was here, to which these came."""
    storage = SQLiteStorage(path, sole=True)
    await storage.open()
    for session in sessions:
        await storage.submit(entry(session))
    await storage.close()


async def kept(path: Path) -> set[str]:
    storage = SQLiteStorage(path, sole=True)
    await storage.open()
    try:
        return {row.session for row in (await storage.sessions("p")).sessions}
    finally:
        await storage.close()


def damage(path: Path) -> None:
    """One page is nonsense, the root of the log."""
    with contextlib.closing(sqlite3.connect(path)) as connection:
        (page,) = connection.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'log'").fetchone()
    with open(path, "r+b") as file:
        file.seek((page - 1) * 4096)
        file.write(b"\x99" * 64)


@pytest.fixture
async def make(impatient: None, path: Path) -> AsyncIterator[Make]:
    async with maker(lambda: SQLiteStorage(path, sole=True)) as make:
        yield make


@pytest.fixture
async def copy(make: Make, tmp_path: Path) -> Path:
    """A backup with session `kept` and two keys; the database has gone on since: `later` came, key `a` was revoked,
    key `new` was made. The database is closed."""
    storage = await make()
    for id in "ab":
        await storage.add_key(Key(id, "p", "pk", id.encode() * 32, "", 1))
    await storage.submit(entry("kept"))
    copy = tmp_path / "copy.db"
    await storage.backup(str(copy))
    await storage.submit(entry("later"))
    await storage.revoke_key("a", 5)
    await storage.add_key(Key("new", "p", "pk", b"n" * 32, "", 2))
    await storage.close()
    return copy


# By restore


async def test_a_copy_is_put_in_place_and_what_that_takes_back_is_told(path: Path, copy: Path) -> None:
    Path(f"{path}.restoring").write_bytes(b"left by one that was cut short")
    Path(f"{path}-wal").write_bytes(b"of the file before")
    steps: list[tuple[int, int]] = []
    found = restore(str(path), str(copy), lambda done, all: steps.append((done, all)))
    assert (found.sessions, found.valid_again, found.lost) == (1, ["a"], ["new"])
    assert found.newest_at is not None
    assert steps[-1][0] == steps[-1][1] > 0
    assert sorted(file.name for file in path.parent.glob(f"{path.name}*")) == [
        path.name,
        f"{path.name}-lock",
        f"{path.name}-server",
    ]
    assert await kept(path) == {"kept"}


async def test_where_nothing_was_a_copy_is_restored_too(tmp_path: Path, copy: Path) -> None:
    target = tmp_path / "new" / "sessions.db"
    found = restore(str(target), str(copy), silent)
    assert (found.valid_again, found.lost) == ([], [])
    assert await kept(target) == {"kept"}


def other_program(copy: Path) -> None:
    copy.unlink()
    with contextlib.closing(sqlite3.connect(copy)) as connection:
        connection.execute("CREATE TABLE theirs (id)")


@pytest.mark.parametrize(
    ("spoil", "error", "said"),
    [
        (os.unlink, errors.BadRequest, "there is no file"),
        (other_program, errors.BadRequest, "no database of SessionMood"),
        (damage, errors.StorageUnavailable, "is damaged"),
    ],
    ids=["none", "another program's", "damaged"],
)
@pytest.mark.parametrize("new", [False, True], ids=["over another", "where nothing was"])
async def test_what_cannot_be_restored_leaves_all_as_it_was(
    path: Path,
    copy: Path,
    tmp_path: Path,
    new: bool,
    spoil: Callable[[Path], None],
    error: type[Exception],
    said: str,
) -> None:
    spoil(copy)
    target = tmp_path / "elsewhere.db" if new else path
    before = None if new else target.read_bytes()
    with pytest.raises(error, match=said):
        restore(str(target), str(copy), silent)
    assert (target.read_bytes() if target.exists() else None) == before
    assert not Path(f"{target}.restoring").exists()


async def test_a_database_is_no_copy_of_itself(path: Path, copy: Path) -> None:
    link = copy.with_name("link.db")
    link.symlink_to(path)
    with pytest.raises(errors.BadRequest, match="the database itself"):
        restore(str(path), str(link), silent)


async def test_nothing_is_restored_under_a_server(make: Make, path: Path, copy: Path) -> None:
    await make()
    with pytest.raises(errors.StorageUnavailable, match="another server runs"):
        restore(str(path), str(copy), silent)


# By hand


async def test_a_log_of_another_file_is_not_mixed_in(path: Path, copy: Path) -> None:
    shutil.copy(copy, path)
    Path(f"{path}-wal").write_bytes(b"of the file before")
    before = path.read_bytes()
    with pytest.raises(errors.StorageUnavailable, match="belongs to another file"):
        await filled(path)
    assert path.read_bytes() == before


async def test_a_copy_put_there_by_hand_is_noticed_once(
    path: Path, copy: Path, caplog: pytest.LogCaptureFixture
) -> None:
    shutil.copy(copy, path)
    for _ in range(2):
        assert await kept(path) == {"kept"}
    assert caplog.text.count("another file than the one served last") == 1


async def test_a_damaged_copy_put_there_by_hand_is_not_served(path: Path, copy: Path) -> None:
    damage(copy)
    shutil.copy(copy, path)
    with pytest.raises(errors.StorageUnavailable, match="damaged"):
        await filled(path)


async def test_of_a_large_copy_a_part_is_looked_through(
    path: Path, copy: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with contextlib.closing(sqlite3.connect(copy)) as connection, connection:
        connection.execute("CREATE TABLE much AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n "
                           "WHERE i < 60000) SELECT i, hex(randomblob(20)) AS x FROM n")  # fmt: skip
        connection.execute("CREATE INDEX of_much ON much (x)")
    shutil.copy(copy, path)
    monkeypatch.setattr(identity, "CHECK_SECONDS", 0.0)
    assert await kept(path) == {"kept"}
    assert "only a part was looked through" in caplog.text


async def test_a_disk_that_takes_no_mark_is_no_reason_not_to_start(
    path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(claim: Claim, *marks: int) -> None:
        raise OSError(28, "no space left on device")

    monkeypatch.setattr(Claim, "note", full)
    await filled(path, "s")
    assert "could not be marked as served" in caplog.text
    assert await kept(path) == {"s"}


async def test_one_file_under_two_names_is_served_under_one(
    make: Make, path: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    other = tmp_path / "other.db"
    assert served(path) is served(tmp_path / "never was.db") is Served.no
    storage = await make()
    os.link(path, other)
    assert (served(path), served(other)) == (Served.here, Served.elsewhere)
    with pytest.raises(errors.StorageUnavailable, match="under another name"):
        await filled(other)
    await storage.close()
    await filled(path)
    assert "has another name too" in caplog.text


async def test_a_damaged_file_is_told_of_and_no_backup_is_made_of_it(
    make: Make, path: Path, copy: Path
) -> None:
    storage = await make()
    await storage.backup(str(copy))
    before = copy.read_bytes()
    await storage.close()
    whole = bytearray(path.read_bytes())
    whole[36:40] = (5).to_bytes(4, "big")  # pages that are free, which is not so
    path.write_bytes(whole)
    with contextlib.closing(sqlite3.connect(path)) as connection:
        says, found = examine(connection)
    assert ("free" in " ".join(says), found) == (True, [])
    storage = await make()
    with pytest.raises(errors.StorageUnavailable, match="the copy is damaged, and so may be the database"):
        await storage.backup(str(copy))
    assert copy.read_bytes() == before  # the last one stays


def test_sizes_of_what_is_not_there_are_nothing(tmp_path: Path) -> None:
    assert sizes(str(tmp_path / "no" / "sessions.db")) == (0, 0, 0)
    assert sizes(str(tmp_path / "sessions.db"))[:2] == (0, 0)
