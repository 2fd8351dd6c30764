"""`sessionmood backup` and `restore`: copies of the database, made and put back."""

import contextlib
import os
import sys
import time
from pathlib import Path
from typing import Annotated

import typer

from app.cli.console import counted, fail, misused, say
from app.cli.database import Database, database_path, with_storage

Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before something is overwritten.")]


def backup(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="Where the copy goes; replaced once it is whole.")
    ],
    yes: Yes = False,
    database_url: Database = None,
) -> None:
    """Copy the database into FILE, also while a server writes to it.

    `sessionmood restore FILE` puts it back.
    """
    _refuse_postgres(database_url)
    if not file.absolute().parent.is_dir():
        fail(f"{file}: there is no such folder")
    if file.exists():
        _ask(f"{file} exists, {file.stat().st_size:,} bytes of {_when(file.stat().st_mtime)}", yes)
    with_storage(database_url, lambda store: store.backup(str(file)))
    say(f"{file}: {file.stat().st_size:,} bytes")


def restore(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The copy, as `sessionmood backup` made it.")],
    yes: Yes = False,
    database_url: Database = None,
) -> None:
    """Put a copy in the place of the database. The server must be stopped.

    What was kept since the copy was made is gone then: sessions, and what was done to keys. Keys revoked since are
    valid again, and sessions erased since are back; both are for you to repeat.
    """
    import sqlite3

    from app.cli.progress import copying
    from app.storage.sqlite.restore import restore

    _refuse_postgres(database_url)
    path = database_path(database_url)
    if not path.absolute().parent.is_dir():
        fail(f"{path}: there is no such folder")
    if not file.is_file():
        fail(f"there is no file {file}")
    if path.exists() and path.stat().st_size:
        newest = max(
            p.stat().st_mtime for end in ("", "-wal") if (p := Path(f"{os.fspath(path)}{end}")).exists()
        )
        _ask(f"the database {path} holds {path.stat().st_size:,} bytes, written {_when(newest)}", yes)
    try:
        with copying() as progress:
            restored = restore(os.fspath(path), os.fspath(file), progress)
    except (sqlite3.Error, OSError) as error:
        fail(f"{file} could not be restored: {error}; the database is as it was")
    newest_at = (
        "" if restored.newest_at is None else f", the newest event of {_when(restored.newest_at / 1000)}"
    )
    say(f"{path} is restored: {counted(restored.sessions, 'session')}{newest_at}")
    if again := restored.valid_again:
        say(f"{counted(len(again), 'key')} revoked since the copy: valid again! Revoke: {' '.join(again)}")
    if lost := restored.lost:
        say(f"{counted(len(lost), 'key')} made since the copy: not valid any more: {' '.join(lost)}")


def _refuse_postgres(url: str | None) -> None:
    from app.config.settings import BadSetting, Settings

    with contextlib.suppress(BadSetting):  # `database_path` tells of it
        if Settings.from_env(os.environ, database_url=url).on_postgres:
            fail(
                "Postgres has its own tools for copies: `pg_dump --format=custom` makes one, `pg_restore` puts it back"
            )


def _ask(what: str, yes: bool) -> None:
    """Go on only when somebody wants `what` overwritten."""
    if yes:
        return
    if not sys.stdin.isatty():
        misused(f"{what}; --yes overwrites it")
    say(what)
    if not typer.confirm("Overwrite it?", err=True):
        fail("nothing was changed")


def _when(at: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(at))
