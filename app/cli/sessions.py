"""`sessionmood export`, `erase`, `backup`: a database's sessions, right in the database."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from app.cli.console import fail, say
from app.cli.database import Database, Project, with_storage

if TYPE_CHECKING:
    from app.storage import Storage

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

    from app.exporting import every_session, recorded

    encode = msgspec.json.Encoder().encode
    out = sys.stdout.buffer

    async def work(store: "Storage") -> int:
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
        return count

    count = with_storage(database_url, work)
    if session is not None and not count:
        fail(f"there is no session {session} in the project {project}")
    say(f"{count:,} session{'' if count == 1 else 's'} exported")


def erase(
    session: Session,
    project: Project = "default",
    database_url: Database = None,
) -> None:
    """Remove everything of a session from the database. Nothing stays in free pages or the write-ahead log.

    Refused while a server runs on the database, since it has the session in memory and would write it again:
    ask the server, with DELETE /v1/sessions/SESSION and a secret key, or stop it first.
    """
    instead = (
        f"it has the session in memory and would write it again. Nothing was erased. Ask the server instead: "
        f"DELETE /v1/sessions/{session} with a secret key of the project {project}; or stop it first"
    )
    if not with_storage(database_url, lambda store: store.erase(project, session), instead=instead):
        fail(f"there is no session {session} in the project {project}")
    say(f"{session} is erased")


def backup(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="Where the copy goes; replaced once it is whole.")
    ],
    database_url: Database = None,
) -> None:
    """Copy the database into FILE, also while a server writes to it.

    To restore: stop the server, put the copy in the database's place, remove its -wal and -shm files, start.
    """
    if not file.absolute().parent.is_dir():
        fail(f"{file}: there is no such folder")
    with_storage(database_url, lambda store: store.backup(str(file)))
    say(f"{file}: {file.stat().st_size:,} bytes")
