"""How commands speak: results on standard output, everything else on standard error."""

import re
import sys
from collections.abc import Iterable, Sequence
from typing import Any, Final, NoReturn

import typer
from typer.core import TyperCommand

#: What typer says of a value's type; `list[a|b]` keeps its choices.
_TYPE: Final = re.compile(
    r"<(?:list\[([^]|]*\|[^]]*)\]|(?:list\[)?(?:str|path|int|float|bool)(?: range)?\]?)>"
)


class Command(TyperCommand):
    """A command whose help names values, not Python's types."""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        super().format_help(ctx, formatter)
        # as wide as before: what follows stands in a column
        text = "".join(formatter.buffer)
        formatter.buffer = [_TYPE.sub(lambda m: (f"<{m[1]}>" if m[1] else "").ljust(len(m[0])), text)]


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


def counted(count: int, noun: str) -> str:
    """`1 session`, `2,000 sessions`."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


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
