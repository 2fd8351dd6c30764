"""Commands that work on the database itself, with or without a server beside them."""

import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from app.cli.console import fail, misused

if TYPE_CHECKING:
    from app.storage import Storage

T = TypeVar("T")

Database = Annotated[
    str | None,
    typer.Option(
        metavar="URL",
        envvar="DATABASE_URL",
        show_default="sqlite:///data/sessionmood.db",
        help="The database: sqlite:///FILE.",
    ),
]
Project = Annotated[str, typer.Option(metavar="NAME", help="The project.")]


def with_storage(
    url: str | None,
    work: "Callable[[Storage], Awaitable[T]]",
    *,
    create: bool = False,
    beside_server: "Callable[[Storage], Awaitable[T]] | None" = None,
) -> T:
    """Run `work` on the opened storage. Without `create` a database that does not exist yet is an error:
    a mistyped name must not leave an empty file behind. `beside_server`: what to do instead while a
    server runs, for work that must not be done beside one; no server can start during `work` then."""
    import asyncio

    path = database_path(url)
    if create:
        path.parent.mkdir(parents=True, exist_ok=True)
    elif not path.exists():
        fail(
            f"there is no database {path}: start `sessionmood serve` once, or name another with --database-url"
        )

    from app.storage.sqlite.database import SQLiteStorage
    from app.storage.sqlite.identity import Served, served

    sole = beside_server is not None
    if beside_server is not None and served(path) is Served.here:
        work, sole = beside_server, False

    async def run() -> T:
        store = SQLiteStorage(path, sole=sole)
        await store.open()
        try:
            return await work(store)
        finally:
            await store.close()

    return asyncio.run(run())


def database_path(url: str | None) -> Path:
    """The database's file. Exits with 2 where the URL names none."""
    from app.config.settings import BadSetting, Settings

    try:
        return Path(Settings.from_env(os.environ, database_url=url).sqlite_path)
    except BadSetting as error:
        misused(str(error))
