"""`sessionmood tune`: a project's own weights and thresholds from its own labels."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from app.cli.console import columns, fail, say
from app.cli.options import Files

if TYPE_CHECKING:
    from app.lab.tuning import Tuned


def tune(
    files: Files,
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write the model file here; without it nothing is written."),
    ] = None,
    anyway: Annotated[
        bool, typer.Option("--anyway", help="Write it even if it is no better on held-out people.")
    ] = False,
) -> None:
    """Refit numbers to what visitors said; compare on other people.

    FILE holds labelled recordings ({"person", "labels": {"frustrated": 1}, "events"}), or exported sessions with
    `feedback` events ("was that right?"). Nothing is applied: `serve --model FILE` is for you to decide.
    """
    from app.config.model_file import write_overrides
    from app.lab.evaluation.answers import pieces
    from app.lab.recordings import recordings
    from app.lab.tuning import TooLittle, tune

    learned = pieces(recordings(files))
    try:
        tuned = tune(learned, say)
    except TooLittle as error:
        fail(str(error))
    except ImportError:
        fail("tuning needs scikit-learn: pip install 'sessionmood[tune]'")
    _print(tuned)
    if not tuned.overrides:
        fail("the shipped numbers stand: these labels give no reason to change any")
    if not tuned.better and not anyway:
        fail("on people it was not fitted on, the new model is not surely better: keep the shipped one")
    if out is None:
        say("--out FILE writes the new model")
        return
    notes = {
        row.mood: f"held-out AUC {row.shipped_auc:.2f} shipped, {row.tuned_auc:.2f} tuned; "
        f"caught {row.shipped_caught:.0%} shipped, {row.tuned_caught:.0%} tuned, falsely {row.shipped_alarms:.0%} and "
        f"{row.tuned_alarms:.0%}; {row.sessions} sessions of {row.people} people"
        for row in tuned.compared
    }
    try:
        write_overrides(out, tuned.overrides, notes)
    except OSError as error:
        fail(f"{out}: cannot be written: {error.strerror or error}")
    say(f"{out} is written; try it with `replay --model {out}`, use it with `serve --model {out}`")


def _print(tuned: "Tuned") -> None:
    print("Held-out people: shipped against tuned")
    columns(
        [
            "mood",
            "sessions>",
            "people>",
            "yes>",
            "AUC>",
            "tuned>",
            "within>",
            "tuned>",
            "error>",
            "tuned>",
            "caught>",
            "tuned>",
            "false>",
            "tuned>",
            "push-error>",
            "tuned>",
        ],
        [
            (
                row.mood,
                str(row.sessions),
                str(row.people),
                str(row.yes),
                f"{row.shipped_auc:.2f}",
                f"{row.tuned_auc:.2f}",
                _two(row.shipped_within),
                _two(row.tuned_within),
                f"{row.shipped_error:.2f}",
                f"{row.tuned_error:.2f}",
                f"{row.shipped_caught:.0%}",
                f"{row.tuned_caught:.0%}",
                f"{row.shipped_alarms:.0%}",
                f"{row.tuned_alarms:.0%}",
                _two(row.shipped_push_error),
                _two(row.tuned_push_error),
            )
            for row in tuned.compared
        ],
    )
    print("within: one person's own sessions. error: expected calibration error of the mean score.")
    print(
        "caught, false: told the mood at some time, of those who said yes, and no. push-error: of pushed confidence."
    )
    print(f"gain: {tuned.gain:+.3f} AUC on average; above zero in {tuned.sure:.0%} of draws of people.")
    print(
        f"delivered: {tuned.delivered:+.2f} caught, less the price of false ones, on average; above zero in "
        f"{tuned.sure_delivered:.0%} of draws.\n"
    )
    columns(
        ["number", "shipped>", "tuned>"], [_changed(key, value) for key, value in tuned.overrides.items()]
    )


def _changed(key: str, value: float) -> tuple[str, str, str]:
    from app.mood import DEFAULT

    if key.startswith("weight."):
        name = key.removeprefix("weight.")
        return name, f"{DEFAULT.weights[name]:+.1f}", f"{value:+.1f}"
    return key, f"{DEFAULT.settings[key]:g}", f"{value:g}"


def _two(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"
