"""Copies put back, rightly and wrongly; and one file under two names."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.running import Ran, sessionmood
from tests.support.server import ServerProcess, running, wait_until

CLICKS = [{"type": "click", "target": "#pay", "x": 1, "y": 1}] * 3


@pytest.fixture
def own(tmp_path: Path) -> Iterator[ServerProcess]:
    """A server that may be killed, in a folder of its own."""
    (tmp_path / "data").mkdir()
    with running(tmp_path / "data") as server:
        yield server


def command(database: Path, *args: object) -> Ran:
    return sessionmood(*args, DATABASE_URL=f"sqlite:///{database}")


def serve(database: Path) -> Ran:
    return sessionmood("serve", PORT="0", DATABASE_URL=f"sqlite:///{database}")


def killed_with_a_log(server: ServerProcess, sessions: str) -> None:
    """Kill it while the write-ahead log holds what the file does not."""
    for n in range(30):
        assert server.post(f"{sessions}-{n}", CLICKS).status_code == 200
    server.kill()
    assert Path(f"{server.database}-wal").stat().st_size


def listed(server: ServerProcess) -> set[str]:
    return {row["session"] for row in server.get("/v1/sessions?limit=500").json()["sessions"]}


@pytest.mark.parametrize("made", ["by backup", "by hand"])
def test_an_old_log_beside_a_copy_is_noticed_and_restore_mends_it(
    own: ServerProcess, tmp_path: Path, made: str
) -> None:
    copy = tmp_path / "copy.db"
    for n in range(5):
        own.post(f"early-{n}", CLICKS)
    if made == "by backup":
        assert command(own.database, "backup", copy).code == 0
    else:
        assert own.stop() == 0
        shutil.copy(own.database, copy)
        own.start()
    killed_with_a_log(own, "late")
    shutil.copy(copy, own.database)
    before = own.database.read_bytes()
    ran = serve(own.database)
    assert (ran.code, "belongs to another file" in ran.err) == (3, True), ran.err
    assert "sessionmood restore" in ran.err
    # no command mixes them either
    ran = command(own.database, "export")
    assert (ran.code, "belongs to another file" in ran.err) == (1, True)
    assert own.database.read_bytes() == before
    ran = command(own.database, "restore", "--yes", copy)
    assert (ran.code, "is restored: 5 sessions, the newest event of" in ran.err) == (0, True), ran.err
    assert not Path(f"{own.database}-wal").exists()
    own.start()
    assert listed(own) == {f"early-{n}" for n in range(5)}
    assert own.post("early-1", CLICKS).json()["mood"]["event_count"] == 2 * len(CLICKS)


async def test_a_client_that_is_ahead_of_a_restored_database_gets_moods_again(
    own: ServerProcess, tmp_path: Path
) -> None:
    copy = tmp_path / "copy.db"
    async with own.socket("ahead") as socket:
        first = await socket.hello(producer="tab")
        await socket.send({"op": "events", "seq": 1, "events": CLICKS})
        await socket.until("ack", seq=3)
        assert command(own.database, "backup", copy).code == 0
        for at in range(4, 40, 3):
            await socket.send({"op": "events", "seq": at, "events": CLICKS})
        await socket.until("ack", seq=39)
    known = own.get("/v1/sessions/ahead/mood")
    assert own.stop() == 0
    assert command(own.database, "restore", copy, "--yes").code == 0
    own.start()
    have = [known.json()["event_count"], known.json()["as_of"]]
    # over REST it is told at once what stands now, though it knew more
    now = own.get("/v1/sessions/ahead/mood", **{"if-none-match": known.headers["etag"]})
    assert (now.status_code, now.json()["event_count"]) == (200, 3)
    async with own.socket("ahead") as socket:
        welcome = await socket.hello(producer="tab", have=have, every=True)
        assert (welcome["ack"], welcome["mood"]["event_count"]) == (2, 3)  # one less: it shall forget
        assert welcome["epoch"]
        assert "epoch" not in first
        await socket.send({"op": "events", "seq": 40, "events": CLICKS})
        assert (await socket.until("nack", seq=40))["expect"] == 4
        await socket.send({"op": "events", "seq": 40, "events": CLICKS, "lost": 36})
        await socket.until("mood", event_count=6)
        assert (await socket.until("ack"))["accepted"] == 3
    assert own.post("ahead", CLICKS).json()["epoch"] == welcome["epoch"]


async def test_after_a_kill_nobody_is_shown_an_older_reading(own: ServerProcess) -> None:
    """The same history goes on: what a client has from before the kill is not forgotten."""
    async with own.socket("same") as socket:
        first = await socket.hello(producer="tab")
        await socket.send({"op": "events", "seq": 1, "events": CLICKS})
        await socket.until("ack", seq=3)
        own.kill()
    own.start()
    async with own.socket("same") as socket:
        ahead = [9, own.get("/v1/sessions/same/mood").json()["as_of"] + 60_000]
        welcome = await socket.hello(producer="tab", have=ahead)
        assert (welcome["mood"], "epoch" in welcome, "epoch" in first) == (None, False, False)


def test_a_copy_put_in_place_by_hand_is_noticed(own: ServerProcess, tmp_path: Path) -> None:
    copy = tmp_path / "copy.db"
    own.post("s", CLICKS)
    assert command(own.database, "backup", copy).code == 0
    assert "epoch" not in own.post("s", CLICKS).json()
    assert own.stop() == 0
    own.start()
    assert "another file" not in own.output()
    assert "epoch" not in own.post("s", CLICKS).json()
    assert own.stop() == 0
    shutil.copy(copy, own.database)
    own.start()
    assert "is another file than the one served last" in own.output()
    assert "keys revoked since it was made are valid again, sessions erased since are back" in own.output()
    assert own.post("s", CLICKS).json()["epoch"]
    # put in place damaged it is not served
    assert own.stop() == 0
    pages = copy.read_bytes()
    own.database.write_bytes(pages[:4096] + b"\xa5" * 8192 + pages[12288:])
    ran = serve(own.database)
    assert (ran.code, "restore" in ran.err) == (3, True), ran.err


def test_restore_asks_refuses_and_says_what_comes_back(own: ServerProcess, tmp_path: Path) -> None:
    copy = tmp_path / "copy.db"
    made = command(own.database, "keys", "create", "--kind", "sk", "--name", "early")
    early = made.err.split()[1]
    assert command(own.database, "backup", copy).code == 0
    assert command(own.database, "keys", "revoke", early).code == 0
    late = command(own.database, "keys", "create", "--kind", "sk").err.split()[1]
    ran = command(own.database, "backup", copy)
    assert (ran.code, "--yes overwrites it" in ran.err) == (2, True)
    ran = command(own.database, "restore", copy, "--yes")
    assert (ran.code, "another server runs on" in ran.err) == (1, True)
    assert own.stop() == 0
    ran = command(own.database, "restore", copy)
    assert (ran.code, "--yes overwrites it" in ran.err) == (2, True)
    (tmp_path / "text").write_text("no database" * 1000)
    before = own.database.read_bytes()
    for wrong in (tmp_path / "text", tmp_path / "none", own.database):
        assert command(own.database, "restore", wrong, "--yes").code == 1
    assert own.database.read_bytes() == before
    ran = command(own.database, "restore", copy, "--yes")
    assert ran.code == 0
    assert f"1 key revoked since the copy: valid again! Revoke: {early}" in ran.err
    assert f"1 key made since the copy: not valid any more: {late}" in ran.err
    # into a folder that has no database yet
    ran = command(tmp_path / "new.db", "restore", copy)
    assert (ran.code, "is restored: 0 sessions" in ran.err) == (0, True), ran.err


def test_one_file_under_two_names(own: ServerProcess, tmp_path: Path) -> None:
    own.post("s", CLICKS)
    symbolic, hard = tmp_path / "symbolic.db", tmp_path / "hard.db"
    symbolic.symlink_to(own.database)
    hard.hardlink_to(own.database)
    for name in (symbolic, hard):
        ran = serve(name)
        assert (ran.code, "server" in ran.err and "already" in ran.err) == (3, True), ran.err
    # through the hard link nothing is done, and nothing said to be done
    for args in (["erase", "s"], ["keys", "create", "--kind", "sk"], ["export"]):
        ran = command(hard, *args)
        assert (ran.code, "under another name" in ran.err) == (1, True), ran.err
        assert "is erased" not in ran.err
    assert "hard link" in command(own.database, "doctor").out
    assert own.get("/v1/sessions/s/mood").status_code == 200
    # through the symbolic link it is done, by the server
    ran = command(symbolic, "erase", "s")
    assert (ran.code, "s is erased" in ran.err) == (0, True), ran.err
    assert own.get("/v1/sessions/s/mood").status_code == 404
    assert not any(os.path.exists(f"{name}{end}") for name in (symbolic, hard) for end in ("-wal", "-shm"))


def test_a_server_through_a_symbolic_link_works_as_through_the_name(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "real").mkdir()
    target = tmp_path / "real" / "mood.db"
    (tmp_path / "data" / "sessionmood.db").symlink_to(target)
    with running(tmp_path / "data") as server:
        server.post("s", [{"type": "click", "target": "#only-here"}])
        assert server.get("/v1/sessions/s/mood").status_code == 200
        assert command(target, "erase", "s").code == 0
        wait_until(lambda: not found(target, "#only-here"), what="the wiping")
        assert server.stop() == 0


def found(database: Path, text: str) -> bool:
    files = (Path(f"{database}{end}") for end in ("", "-wal"))
    return any(text.encode() in file.read_bytes() for file in files if file.exists())
