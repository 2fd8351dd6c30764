"""`sessionmood replay`: what the engine says of recorded sessions."""

import sys
import time
from collections.abc import Iterable, Iterator
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from app.cli.console import columns, say
from app.cli.options import Files, ModelFile, Processes, load_overrides, served_overrides

if TYPE_CHECKING:
    from app.ingest.shadow import Tally
    from app.lab.recordings import Recording
    from app.lab.replay import Replayed
    from app.mood import Model


class Format(StrEnum):
    """How results are printed."""

    table = "table"
    jsonl = "jsonl"


def replay(
    files: Files,
    format: Annotated[
        Format | None,
        typer.Option(
            help="A table to read, or one JSON object a session.",
            show_default="a table on a terminal, else jsonl",
        ),
    ] = None,
    model: ModelFile = None,
    shadow: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Compare with this candidate model instead: where do the moods differ?"
        ),
    ] = None,
    processes: Processes = None,
) -> None:
    """Run recorded sessions through the mood engine. The clock is the recording's own.

    FILE holds one session a line: {"id", "events", "reports"?}; gzip too; - is standard input.
    """
    from app.cli.progress import following
    from app.lab.parallel import parallel_map
    from app.lab.recordings import read
    from app.lab.replay import replay

    overrides = served_overrides(model)
    if format is None:
        format = Format.table if sys.stdout.isatty() else Format.jsonl
    if shadow is not None:
        _print_shadow(files, overrides, load_overrides(shadow), processes, format is Format.jsonl)
        return
    started = time.perf_counter()
    sessions = events = 0

    def counted() -> "Iterator[Replayed]":
        nonlocal sessions, events
        with following("replaying") as note:
            for _, result in parallel_map(read(files), replay, overrides, processes):
                sessions += 1
                events += result.events
                note(sessions, events)
                yield result

    (_print_jsonl if format is Format.jsonl else _print_table)(counted())
    took = max(time.perf_counter() - started, 1e-9)
    say(f"{sessions:,} sessions, {events:,} events in {took:.1f} s ({events / took:,.0f} events/s)")


def _print_shadow(
    files: list[str],
    overrides: dict[str, object],
    candidate: dict[str, object],
    processes: int | None,
    as_json: bool,
) -> None:
    from functools import partial

    from app.cli.shadow import print_tally
    from app.ingest.shadow import Tally
    from app.lab.parallel import parallel_map
    from app.lab.recordings import read

    total = Tally()
    for _, tally in parallel_map(read(files), partial(_beside, candidate=candidate), overrides, processes):
        total.add(tally)
    print_tally(total, as_json)


def _beside(recording: "Recording", model: "Model", candidate: dict[str, object]) -> "Tally":
    from app.lab.parallel import model_with
    from app.lab.shadowing import compare

    return compare(recording, model, model_with(candidate))


def _print_jsonl(results: "Iterable[Replayed]") -> None:
    import msgspec

    encode = msgspec.json.Encoder().encode
    out = sys.stdout.buffer
    for result in results:
        out.write(encode(result) + b"\n")
    out.flush()


def _print_table(results: "Iterable[Replayed]") -> None:
    rows = [
        (
            result.id,
            str(result.events),
            max(result.mean, key=lambda mood: result.mean[mood]),
            f"{result.mean['frustrated']:.2f}",
            f"{result.peak['frustrated']:.2f}",
            max(result.final, key=lambda mood: result.final[mood]),
            " > ".join(change.mood for change in result.changes) or "-",
            str(len(result.offers)),
        )
        for result in results
    ]
    headers = ("session", "events>", "mostly", "frustrated>", "peak>", "at the end", "moods", "offers>")
    columns(headers, rows)
