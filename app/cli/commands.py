"""The list of commands."""

from typing import Annotated

import typer

from app.cli.console import Command
from app.cli.copies import backup, restore
from app.cli.doctor import doctor
from app.cli.evaluate import evaluate
from app.cli.explain import explain
from app.cli.keys import keys
from app.cli.migrate import migrate
from app.cli.replay import replay
from app.cli.serve import serve
from app.cli.sessions import erase, expire, export
from app.cli.shadow import shadow
from app.cli.simulate import simulate
from app.cli.trying import try_story
from app.cli.tune import tune

app = typer.Typer(
    name="sessionmood",
    help="Tells an app how its user feels while using it, in time to help.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _show_version(asked: bool) -> None:
    if asked:
        from app import COMPILED, __version__

        print(f"sessionmood {__version__} (mood engine {'compiled' if COMPILED else 'in plain Python'})")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_show_version, help="Show the version.")
    ] = False,
) -> None: ...


# In the order that `--help` shows.
app.command(cls=Command, rich_help_panel="Serve")(serve)
app.add_typer(keys, name="keys", rich_help_panel="Serve")
app.command(cls=Command, rich_help_panel="Serve")(export)
app.command(cls=Command, rich_help_panel="Serve")(erase)
app.command(cls=Command, rich_help_panel="Serve")(expire)
app.command(cls=Command, rich_help_panel="Serve")(backup)
app.command(cls=Command, rich_help_panel="Serve")(restore)
app.command(cls=Command, rich_help_panel="Serve")(migrate)
app.command(cls=Command, rich_help_panel="Serve")(doctor)
app.command(cls=Command, rich_help_panel="Understand")(replay)
app.command(cls=Command, rich_help_panel="Understand")(evaluate)
app.command("try", cls=Command, rich_help_panel="Understand")(try_story)
app.command(cls=Command, rich_help_panel="Understand")(simulate)
app.command(cls=Command, rich_help_panel="Understand")(explain)
app.command(cls=Command, rich_help_panel="Understand")(tune)
app.command(cls=Command, rich_help_panel="Understand")(shadow)
