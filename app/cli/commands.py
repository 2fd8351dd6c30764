"""The list of commands."""

import typer

from app.cli.evaluate import evaluate
from app.cli.keys import keys
from app.cli.replay import replay
from app.cli.sessions import backup, erase, export


def register(app: typer.Typer) -> None:
    """Add every command to `app`, in the order that `--help` shows."""
    app.add_typer(keys, name="keys", rich_help_panel="Serve")
    for command in (export, erase, backup):
        app.command(rich_help_panel="Serve")(command)
    for command in (replay, evaluate):
        app.command(rich_help_panel="Understand")(command)
