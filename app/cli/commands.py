"""The list of commands."""

import typer

from app.cli.console import Command
from app.cli.copies import backup, restore
from app.cli.doctor import doctor
from app.cli.evaluate import evaluate
from app.cli.explain import explain
from app.cli.keys import keys
from app.cli.replay import replay
from app.cli.serve import serve
from app.cli.sessions import erase, expire, export
from app.cli.shadow import shadow
from app.cli.simulate import simulate
from app.cli.trying import try_story
from app.cli.tune import tune


def register(app: typer.Typer) -> None:
    """Add every command to `app`, in the order that `--help` shows."""
    app.command(cls=Command, rich_help_panel="Serve")(serve)
    app.add_typer(keys, name="keys", rich_help_panel="Serve")
    app.command(cls=Command, rich_help_panel="Serve")(export)
    app.command(cls=Command, rich_help_panel="Serve")(erase)
    app.command(cls=Command, rich_help_panel="Serve")(expire)
    app.command(cls=Command, rich_help_panel="Serve")(backup)
    app.command(cls=Command, rich_help_panel="Serve")(restore)
    app.command(cls=Command, rich_help_panel="Serve")(doctor)
    app.command(cls=Command, rich_help_panel="Understand")(replay)
    app.command(cls=Command, rich_help_panel="Understand")(evaluate)
    app.command("try", cls=Command, rich_help_panel="Understand")(try_story)
    app.command(cls=Command, rich_help_panel="Understand")(simulate)
    app.command(cls=Command, rich_help_panel="Understand")(explain)
    app.command(cls=Command, rich_help_panel="Understand")(tune)
    app.command(cls=Command, rich_help_panel="Understand")(shadow)
