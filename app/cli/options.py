"""Arguments that several commands share."""

import os
from pathlib import Path
from typing import Annotated

import typer

Files = Annotated[
    list[str], typer.Argument(metavar="FILE", help="Recordings: JSONL, gzip too; - is standard input.")
]
ModelFile = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        envvar="SESSIONMOOD_MODEL",
        help="A model file (JSON of overrides, as `sessionmood tune` writes) instead of the shipped numbers.",
    ),
]
Processes = Annotated[
    int | None, typer.Option(metavar="N", min=1, help="Processors to use.", show_default="all of them")
]


def load_overrides(path: Path | None) -> dict[str, object]:
    """What a model file overrides; nothing without a file. Exits with a message if it can't be used."""
    from app.cli.console import fail
    from app.config.model_file import BadModel, read_overrides

    if path is None or str(path) == "":
        return {}
    try:
        return read_overrides(path)
    except BadModel as error:
        fail(str(error))


def served_overrides(path: Path | None) -> dict[str, object]:
    """The same as a server overrides that is started with this environment: what it says of help (SESSIONMOOD_HELP_…)
    counts too. Exits with a message if something can't be used."""
    from app.cli.console import misused
    from app.config.model_file import served_numbers
    from app.config.settings import BadSetting, Settings

    try:
        return served_numbers(Settings.from_env(os.environ), load_overrides(path))
    except BadSetting as error:
        misused(str(error))


def needed(key: str) -> None:
    """Exits with a message where a command that talks to a server has no key."""
    from app.cli.console import misused

    if not key:
        misused("--key (or SESSIONMOOD_KEY) is needed: `sessionmood keys create --kind sk` makes one")


def checked_address(url: str) -> str:
    """The address of a server, without a slash at its end. Exits with a message where it is none."""
    from app.cli.console import misused

    if not url.startswith(("http://", "https://")):
        misused(f"--url {url[:40]}: an address like https://mood.example is needed")
    return url.rstrip("/")


def local_server() -> str:
    """Where `serve` listens when it is started from here: PORT counts, as it does for `serve`."""
    port = os.environ.get("PORT", "")
    return f"http://127.0.0.1:{port if port.isdigit() and port != '0' else 8000}"


Url = Annotated[
    str,
    typer.Option(
        metavar="URL",
        default_factory=local_server,
        show_default="http://127.0.0.1:8000, or PORT",
        help="The server.",
    ),
]
Key = Annotated[
    str,
    typer.Option(
        metavar="KEY",
        envvar="SESSIONMOOD_KEY",
        show_default=False,
        help="A key of either kind; the first start of `serve` prints a pair.",
    ),
]
