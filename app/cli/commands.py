"""The list of commands."""

import typer

from app.cli.replay import replay


def register(app: typer.Typer) -> None:
    """Add every command to `app`."""
    app.command()(replay)
