"""Aligned tables on standard output, progress on standard error."""

import statistics
import sys
from collections.abc import Sequence

_said: list[str] = []


def say(line: str) -> None:
    """Print a line of the report."""
    _said.append(line)
    print(line, flush=True)


def keep_copy() -> str:
    """The report so far."""
    return "\n".join(_said) + "\n"


def show(title: str, columns: Sequence[str], rows: Sequence[Sequence[object]], note: str = "") -> None:
    """Print a table; the first column is words, the others are figures."""
    cells = [[_text(cell) for cell in row] for row in rows]
    widths = [max(len(row[i]) for row in [list(columns), *cells]) for i in range(len(columns))]
    say(f"\n{title}")
    for row in [list(columns), ["-" * width for width in widths], *cells]:
        first, *others = row
        say(
            "  ".join(
                [first.ljust(widths[0]), *(o.rjust(w) for o, w in zip(others, widths[1:], strict=True))]
            )
        )
    if note:
        say(note)


def _text(cell: object) -> str:
    if not isinstance(cell, float):
        return f"{cell:,}" if isinstance(cell, int) else str(cell)
    if cell >= 1000:
        return f"{cell:,.0f}"
    return f"{cell:.1f}" if cell >= 20 else f"{cell:.2f}"


def progress(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def median(values: Sequence[float]) -> float:
    return float(statistics.median(values))


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least `share` of all are not above."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]
