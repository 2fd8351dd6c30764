"""How commands speak: results on standard output, everything else on standard error."""

import sys
from collections.abc import Iterable, Sequence
from typing import NoReturn

import typer


def say(message: str) -> None:
    """One line for the person at the terminal."""
    print(f"sessionmood: {message}", file=sys.stderr)


def fail(message: str) -> NoReturn:
    """Stop with exit code 1 and say why."""
    say(message)
    raise typer.Exit(1)


def misused(message: str) -> NoReturn:
    """Stop with exit code 2: the command was asked wrongly."""
    raise typer.BadParameter(message)


def columns(headers: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print an aligned table, as wide as it is: it may go to a pipe. A header that ends in `>` aligns right."""
    names = [header.removesuffix(">") for header in headers]
    right = [header.endswith(">") for header in headers]
    lines = [names, *rows]
    widths = [max(len(line[at]) for line in lines) for at in range(len(names))]
    for line in lines:
        cells = [
            cell.rjust(width) if to_right else cell.ljust(width)
            for cell, width, to_right in zip(line, widths, right, strict=True)
        ]
        print("  ".join(cells).rstrip())
