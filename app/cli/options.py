"""Arguments that several commands share."""

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
    from app.model_file import BadModel, read_overrides

    if path is None or str(path) == "":
        return {}
    try:
        return read_overrides(path)
    except BadModel as error:
        fail(str(error))


def local_server() -> str:
    """Where `serve` listens when it is started from here: PORT counts, as it does for `serve`."""
    import os

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
