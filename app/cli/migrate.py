"""`sessionmood migrate`: from one database to another."""

import os
from typing import TYPE_CHECKING, Annotated, Any

import typer

from app.cli.console import counted, fail, misused, say

if TYPE_CHECKING:
    from app.config.settings import Settings


def migrate(
    source: Annotated[str, typer.Option("--from", metavar="URL", help="The database that has everything.")],
    target: Annotated[str, typer.Option("--to", metavar="URL", help="The database that gets it.")],
) -> None:
    """Copy everything to another database. SQLite to Postgres, or back; servers of both must be stopped.

    When it was cut short, run it again: what is there already is not copied twice. At the end both are compared, session
    by session. The first database is left as it is.
    """
    import asyncio

    from app.cli.progress import copying

    settings = [_settings(source, "--from"), _settings(target, "--to")]
    if settings[0].database_url == settings[1].database_url:
        misused("--from and --to name the same database")
    if not settings[0].on_postgres and not os.path.exists(settings[0].sqlite_path):
        fail(f"there is no database {settings[0].sqlite_path}")

    async def run() -> Any:
        from app.lab.migrating import migrate as move

        stores = [_storage(each) for each in settings]
        try:
            for store in stores:
                await store.open()
            with copying() as progress:
                return await move(_place(stores[0]), _place(stores[1]), progress)
        finally:
            for store in stores:
                await store.close()

    moved = asyncio.run(run())
    if moved.differ:
        named = ", ".join(f"{session} of {project}" for project, session in moved.differ[:5])
        fail(f"{counted(len(moved.differ), 'session')} could not be copied as they are: {named}")
    again = f", {counted(moved.there, 'session')} of them before" if moved.there else ""
    say(
        f"{counted(moved.sessions, 'session')} with {counted(moved.events, 'event')} copied and compared{again}"
    )
    if moved.extra > 0:
        say(
            f"{settings[1].shown_database} has {counted(moved.extra, 'session')} more, which were there before"
        )


def _settings(url: str, option: str) -> "Settings":
    from app.config.settings import BadSetting, Settings

    try:
        return Settings.from_env({}, database_url=url)
    except BadSetting as error:
        misused(str(error).replace("DATABASE_URL", option, 1))


def _storage(settings: "Settings") -> Any:
    if settings.on_postgres:
        from app.storage.postgres.database import PostgresStorage

        return PostgresStorage(settings.database_url, server="sole")
    from app.storage.sqlite.database import SQLiteStorage

    return SQLiteStorage(settings.sqlite_path, sole=True)


def _place(store: Any) -> Any:
    from app.storage.sqlite.database import SQLiteStorage

    if isinstance(store, SQLiteStorage):
        from app.storage.sqlite.place import SQLitePlace

        return SQLitePlace(store)
    from app.storage.postgres.place import PostgresPlace

    return PostgresPlace(store)
