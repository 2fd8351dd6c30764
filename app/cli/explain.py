"""`sessionmood explain`: why a session was read as it was."""

import sys
import time
from typing import TYPE_CHECKING, Annotated

import typer

from app.cli.console import columns, fail, misused
from app.cli.database import Database, Project, with_storage
from app.cli.options import ModelFile, served_overrides

if TYPE_CHECKING:
    from app.lab.explaining import Explanation
    from app.lab.recordings import Recording


def explain(
    file: Annotated[
        str | None,
        typer.Argument(
            metavar="FILE", help="A recording, gzip too; - is standard input.", show_default=False
        ),
    ] = None,
    session: Annotated[
        str | None,
        typer.Option(
            "--session", metavar="ID", help="Which session: of FILE, or without FILE of the database."
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print it as JSON.")] = False,
    brief: Annotated[bool, typer.Option("--brief", help="Only the sentences, not the seconds.")] = False,
    model: ModelFile = None,
    project: Project = "default",
    database_url: Database = None,
) -> None:
    """Say why a session was read as it was. In sentences, then which points came from what, second by second."""
    import msgspec

    from app.lab.explaining import explain
    from app.mood import Model

    overrides = served_overrides(model)
    if file is not None:
        recording = _of_file(file, session)
    elif session is not None:
        recording = _of_database(session, project, database_url)
    else:
        misused("name a FILE, or a session of the database with --session")
    try:
        explanation = explain(recording, Model.with_overrides(overrides), time.time_ns() // 1_000_000)
    except ValueError as error:
        fail(str(error))
    if as_json:
        sys.stdout.buffer.write(msgspec.json.format(msgspec.json.encode(explanation), indent=1) + b"\n")
        sys.stdout.buffer.flush()
        return
    _print(explanation, brief)


def _print(explanation: "Explanation", brief: bool) -> None:
    from app.lab.explaining import clock

    print(f"{explanation.id}: {explanation.events} events in {clock(explanation.lasted)}\n")
    for span in explanation.spans:
        print(span.sentence)
    if brief:
        return
    print()
    columns(
        ["at>", "mood", "confidence>", "what happened", "points for the mood"],
        [
            (
                clock(second.at),
                second.mood,
                f"{second.confidence:.2f}",
                second.happened or "(time passed)",
                ", ".join(
                    f"{share.signal} {share.points:+.2f}"
                    for share in second.shares
                    if abs(share.points) >= 0.01
                ),
            )
            for second in explanation.seconds
        ],
    )


def _of_file(file: str, session: str | None) -> "Recording":
    from app.lab.recordings import recordings

    found = None
    count = 0
    for _, recording in recordings([file]):
        count += 1
        if session is None or recording.id == session:
            if found is not None:
                misused(f"{file} holds more than one session: choose one with --session ID")
            found = recording
    if found is None:
        fail(
            f"{file} holds no session {session}"
            if session is not None and count
            else f"{file} holds no session"
        )
    return found


def _of_database(session: str, project: str, database_url: str | None) -> "Recording":
    from app.lab.exporting import recorded

    recording = with_storage(database_url, lambda store: recorded(store, project, session))
    if recording is None:
        fail(f"there is no session {session} in the project {project}")
    return recording
