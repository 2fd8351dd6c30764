"""`sessionmood doctor`: a check-up of a deployment."""

import os
from typing import TYPE_CHECKING, Annotated

import typer

from app.cli.console import misused
from app.cli.database import Database
from app.cli.options import Key, checked_address

if TYPE_CHECKING:
    from app.config.settings import Settings
    from app.lab.findings import Finding


def doctor(
    url: Annotated[
        str | None,
        typer.Option(
            metavar="URL", help="Also try a running server, as a client sees it.", show_default=False
        ),
    ] = None,
    key: Key = "",
    database_url: Database = None,
) -> None:
    """Check a deployment and say what is wrong, in words. Exit code 1 if something has to be mended.

    Run it with the environment that `serve` gets.
    """
    import asyncio

    from app.config.settings import BadSetting, Settings
    from app.lab.findings import Level

    if url is not None:
        url = checked_address(url)
    try:
        settings = Settings.from_env(os.environ, database_url=database_url)
    except BadSetting as error:
        misused(str(error))
    levels = asyncio.run(_told(settings, url, key))
    fails, warns = levels.count(Level.fail), levels.count(Level.warn)
    print(f"\n{fails} to mend, {warns} to look at" if fails or warns else "\nall is well")
    if fails:
        raise typer.Exit(1)


async def _told(settings: "Settings", url: str | None, key: str) -> list[str]:
    from app.lab.doctor import examine, examine_server

    levels: list[str] = []

    def tell(finding: "Finding") -> None:
        levels.append(finding.level)
        print(f"{finding.level.value:4}  {finding.what}", flush=True)

    async for finding in examine(settings, os.environ):
        tell(finding)
    if url is not None:
        async for finding in examine_server(url, key):
            tell(finding)
    return levels
