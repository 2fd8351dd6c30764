"""`sessionmood doctor`: looks a deployment over."""

import os
from typing import Annotated

import typer

from app.cli.console import misused
from app.cli.database import Database


def doctor(
    url: Annotated[
        str | None, typer.Option(help="The address that visitors use: look at it from outside, too.")
    ] = None,
    key: Annotated[
        str | None,
        typer.Option(
            envvar="SESSIONMOOD_KEY", help="A key to try there. Better in the environment: shells remember."
        ),
    ] = None,
    origin: Annotated[
        str | None, typer.Option(help="The origin to name there, for a key that is bound to origins.")
    ] = None,
    database_url: Database = None,
) -> None:
    """Look a deployment over and say what is wrong, in words. Exit code 1 when something is broken."""
    from app.config import BadSetting, Settings
    from app.doctor import Level, deployment, machine

    if url is not None and not url.startswith(("http://", "https://")):
        misused(f"--url {url}: an address starts with http:// or https://")
    try:
        settings = Settings.from_env(os.environ, database_url=database_url)
    except BadSetting as error:
        misused(str(error))
    broken = False
    for findings in (machine.look(settings), deployment.look(url, key, origin) if url else ()):
        for finding in findings:
            print(f"{finding.level.value:5} {finding.text}")
            if finding.advice:
                print(f"      -> {finding.advice}")
            broken = broken or finding.level is Level.BAD
    raise typer.Exit(1 if broken else 0)
