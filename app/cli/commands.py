"""The list of commands."""

import typer

from app.cli.replay import replay
from app.cli.serve import serve


def register(app: typer.Typer) -> None:
    """Add every command to `app`, in the order that `--help` shows."""
    app.command(rich_help_panel="Serve")(serve)
    app.command(rich_help_panel="Understand")(replay)
