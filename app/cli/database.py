"""Commands that work on the database itself, with or without a server beside them."""

import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from app.cli.console import fail, misused

if TYPE_CHECKING:
    from app.config.settings import Settings
    from app.storage import Storage

T = TypeVar("T")

Database = Annotated[
    str | None,
    typer.Option(
        metavar="URL",
        envvar="DATABASE_URL",
        show_default="sqlite:///data/sessionmood.db",
        help="The database: sqlite:///FILE or postgresql://USER:PASSWORD@HOST/DATABASE.",
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

    from app.config.settings import BadSetting, Settings

    try:
        settings = Settings.from_env(os.environ, database_url=url)
    except BadSetting as error:
        misused(str(error))
    if not settings.on_postgres:
        path = Path(settings.sqlite_path)
        if create:
            path.parent.mkdir(parents=True, exist_ok=True)
        elif not path.exists():
            fail(
                f"there is no database {path}: start `sessionmood serve` once, or name another with --database-url"
            )

    async def run() -> T:
        wanted = work
        served = beside_server is not None and await _is_served(settings)
        if served and beside_server is not None:
            wanted = beside_server
        store = _storage(settings, sole=beside_server is not None and not served)
        await store.open()
        try:
            return await wanted(store)
        finally:
            await store.close()

    return asyncio.run(run())


async def _is_served(settings: "Settings") -> bool:
    """Whether a server has the database open."""
    if settings.on_postgres:
        from app.storage.postgres.nodes import is_served

        return await is_served(settings.database_url)
    from app.storage.sqlite.identity import Served, served

    return served(settings.sqlite_path) is Served.here


def _storage(settings: "Settings", *, sole: bool) -> "Storage":
    """The storage, not yet open. `sole`: no server can start while it is."""
    if settings.on_postgres:
        from app.storage.postgres.database import PostgresStorage

        return PostgresStorage(settings.database_url, server="sole" if sole else "")
    from app.storage.sqlite.database import SQLiteStorage

    return SQLiteStorage(settings.sqlite_path, sole=sole)


def database_path(url: str | None) -> Path:
    """The database's file. Exits with 2 where the URL names none."""
    from app.config.settings import BadSetting, Settings

    try:
        return Path(Settings.from_env(os.environ, database_url=url).sqlite_path)
    except BadSetting as error:
        misused(str(error))
