"""The command line: `sessionmood COMMAND`. Exit codes: 0 done, 1 it failed, 2 it was asked wrongly, 3 (serve only) it
could not start.

Each command loads what it needs when it runs, so that `--help` answers at once.
"""

import os
import sys
from typing import Annotated

import typer

from app.cli.console import say
from app.errors import SessionMoodError

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


def main() -> None:
    """Run the command named on the command line, then exit."""
    from app.cli.commands import register

    register(app)
    try:
        app(prog_name="sessionmood")
    except SessionMoodError as error:
        say(str(error))
        sys.exit(1)
    except BrokenPipeError:
        # the reader went away (`| head`): nobody is left to tell, and the flush at exit must not fail either
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
