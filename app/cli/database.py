"""Commands that work on the database itself, with or without a server beside them."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
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
Project = Annotated[str, typer.Option(help="The project.")]


def with_storage(url: str | None, work: "Callable[[Storage], Awaitable[T]]", *, create: bool = False) -> T:
    """Run `work` on the opened storage. Without `create` a database that does not exist yet is an error:
    a mistyped name must not leave an empty file behind."""

    async def run() -> T:
        async with _opened(url, create) as store:
            return await work(store)

    return asyncio.run(run())


@contextlib.asynccontextmanager
async def _opened(url: str | None, create: bool) -> "AsyncIterator[Storage]":
    import os

    from app.config import BadSetting, Settings
    from app.storage.sqlite import SQLiteStorage

    try:
        path = Path(Settings.from_env(os.environ, database_url=url).sqlite_path)
    except BadSetting as error:
        misused(str(error))
    if create:
        path.parent.mkdir(parents=True, exist_ok=True)
    elif not path.exists():
        fail(
            f"there is no database {path}: start `sessionmood serve` once, or name another with --database-url"
        )
    store = SQLiteStorage(path)
    await store.open()
    try:
        yield store
    finally:
        await store.close()
