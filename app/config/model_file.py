"""A project's own numbers, as a file: a JSON object of `Model.with_overrides` keys."""

from collections.abc import Mapping
from pathlib import Path

import msgspec

from app.config.settings import Settings
from app.mood import Model
from app.mood.model.numbers import NEUTRAL_LABELS


class BadModel(Exception):
    """A model file that can't be used; the message names the file and the reason."""


def read_overrides(path: Path) -> dict[str, object]:
    """The overrides in `path`, checked. A key that starts with `_` is a note and is passed over.

    Raises BadModel.
    """
    try:
        content = msgspec.json.decode(path.read_bytes(), type=dict[str, object])
    except OSError as error:
        raise BadModel(f"{path}: cannot be read: {error.strerror or error}") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadModel(f"{path}: not a JSON object ({error})") from None
    overrides = {key: value for key, value in content.items() if not key.startswith("_")}
    try:
        Model.with_overrides(overrides)
    except ValueError as error:
        raise BadModel(f"{path}: {error}") from None
    return overrides


def served_numbers(settings: Settings, overrides: Mapping[str, object]) -> dict[str, object]:
    """What a server with these settings overrides: the moods' labels, when it offers help, and what its model file
    says, which wins."""
    labels = NEUTRAL_LABELS if settings.neutral_labels else {}
    return {
        **{f"label.{mood}": label for mood, label in labels.items()},
        "help.warm_up": settings.help_warmup,
        "help.hold": settings.help_hold,
        "help.gap": settings.help_cooldown,
        "help.cap": settings.help_per_session,
        "help.holdout": settings.help_holdout,
        **overrides,
    }


def write_overrides(path: Path, overrides: Mapping[str, object], notes: Mapping[str, object]) -> None:
    """One override a line, `notes` first under keys that start with `_`."""
    content = {f"_{key}": value for key, value in notes.items()} | dict(overrides)
    path.write_bytes(msgspec.json.format(msgspec.json.encode(content), indent=1) + b"\n")
