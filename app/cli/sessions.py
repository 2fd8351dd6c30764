"""`sessionmood export`, `erase`, `expire`: a database's sessions, right in the database."""

import sys
import time
from typing import TYPE_CHECKING, Annotated

import typer

from app.cli.console import counted, fail, say
from app.cli.database import Database, Project, with_storage

if TYPE_CHECKING:
    from app.storage import Storage

#: A server that was asked to erase a session has so long (s), and is looked at this often.
ERASE_SECONDS = 30.0
LOOK_EVERY = 0.1

Session = Annotated[str, typer.Argument(metavar="SESSION", help="The session's id.")]


def export(
    session: Annotated[
        str | None,
        typer.Argument(metavar="SESSION", help="Only this session.", show_default="all of the project"),
    ] = None,
    project: Project = "default",
    database_url: Database = None,
) -> None:
    """Print sessions as recordings, one a line. That is what `replay`, `evaluate` and `tune` read."""
    import msgspec

    from app.lab.exporting import every_session, recorded

    encode = msgspec.json.Encoder().encode
    out = sys.stdout.buffer

    damaged = 0

    async def work(store: "Storage") -> int:
        nonlocal damaged
        count = 0
        if session is not None:
            recording = await recorded(store, project, session)
            if recording is not None:
                out.write(encode(recording) + b"\n")
                count = 1
        else:
            async for recording in every_session(store, project):
                out.write(encode(recording) + b"\n")
                count += 1
        out.flush()
        damaged = sum(store.state().damaged.values())
        return count

    count = with_storage(database_url, work)
    if session is not None and not count:
        fail(f"there is no session {session} in the project {project}")
    say(f"{counted(count, 'session')} exported")
    if damaged:
        fail("what cannot be read is left out; `sessionmood doctor` names it")


def erase(
    session: Session,
    project: Project = "default",
    database_url: Database = None,
) -> None:
    """Remove everything of a session from the database. Nothing stays in free pages or the write-ahead log.

    A server that runs on the database does it, within a second or so: it also forgets what it has in memory and
    closes the session's sockets, as DELETE /v1/sessions/SESSION does.
    """
    erased = with_storage(
        database_url,
        lambda store: store.erase(project, session),
        beside_server=lambda store: _ask_server(store, project, session),
    )
    if not erased:
        fail(f"there is no session {session} in the project {project}")
    say(f"{session} is erased")


async def _ask_server(store: "Storage", project: str, session: str) -> bool:
    """Have the running server erase a session, and wait until it is done. False if there was none."""
    import asyncio

    from app.errors import StorageUnavailable

    known = await store.request_erasure(project, session)
    deadline = time.monotonic() + ERASE_SECONDS
    while await store.erasure_pending(project, session):
        if time.monotonic() >= deadline:
            late = f"the server did not erase {session} within {ERASE_SECONDS:.0f} s"
            try:
                if await store.withdraw_erasure(project, session):
                    fail(f"{late}; the request is taken back")
            except StorageUnavailable as error:
                fail(f"{late}; the request could not be taken back and may still be carried out: {error}")
            break  # erased; what is left to be wiped waits for a backup to end, as after DELETE
        await asyncio.sleep(LOOK_EVERY)
    return known


def expire(
    yes: Annotated[bool, typer.Option("--yes", help="The machine's clock is right: erase them.")] = False,
    database_url: Database = None,
) -> None:
    """Say how many sessions are too old to be kept.

    With --yes they may be erased.

    A server erases them by itself, unless the database was not served for so long that the machine's clock may be
    wrong: then `/readyz` and `doctor` say so, and it waits for this command with --yes.
    """
    import os

    from app.config.settings import Settings
    from app.ingest.retention import DAY_MS

    days = Settings.from_env(os.environ).retention_days
    now = time.time_ns() // 1_000_000
    most = 100_000

    async def work(store: "Storage") -> int:
        past = len(await store.expired(now - round(days * DAY_MS), most)) if days else 0
        if yes:
            await store.see_clock(now)
        return past

    past = with_storage(database_url, work)
    many = f"{past:,}{' or more' if past == most else ''} session{'' if past == 1 else 's'}"
    say(f"{many} had the last event more than {days:g} days ago")
    if past:
        say("a server on this database erases them within a minute" if yes else "with --yes they are erased")
