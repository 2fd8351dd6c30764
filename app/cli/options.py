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
Processes = Annotated[int | None, typer.Option(min=1, help="Processors to use.", show_default="all of them")]


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
