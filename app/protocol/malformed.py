"""What is wrong with JSON that could not be decoded, and where: looked for only when something is."""

import json
import re
from typing import Any, Final

import msgspec

from app.errors import BadBatch, BadBody, BadRequest, SessionMoodError

#: The escape of half a surrogate pair, perhaps with its other half.
_HALF: Final = re.compile(rb"\\u[dD][89a-fA-F]")


def refusal(data: str | bytes, error: Exception) -> SessionMoodError:
    """The refusal of `data`, which is not JSON as the contract has it: `error` says so. JSON.stringify writes half
    an emoji, cut off by a client, as an escape that is no character (RFC 8259, 8.2): that is said of the event."""
    if isinstance(error, msgspec.DecodeError) and not isinstance(error, msgspec.ValidationError):
        found = _half_character(data.encode() if isinstance(data, str) else data)
        if found is not None:
            return found
    return BadRequest(reason(error))


def reason(error: Exception) -> str:
    """In words, 300 characters at most."""
    if isinstance(error, RecursionError):
        return "not JSON that can be read: nested too deep"
    if isinstance(error, UnicodeError):
        return "not JSON: not valid UTF-8"
    if not isinstance(error, msgspec.ValidationError):
        return f"not JSON: {error}"[:300]
    return (
        str(error).replace("`int | float`", "`int`").replace("`int | float | null`", "`float | null`")[:300]
    )


def _half_character(data: bytes) -> SessionMoodError | None:
    if _HALF.search(data) is None:
        return None
    try:
        value = json.loads(data)  # unlike msgspec it takes them
    except (ValueError, RecursionError):
        return None
    try:
        return _named(value)
    except RecursionError:
        return None


def _named(value: Any) -> SessionMoodError | None:
    """The refusal that says where in `value` half a character is; None where there is none."""
    fields: dict[str, Any] = value if isinstance(value, dict) else {}
    events = value if isinstance(value, list) else fields.get("events")
    if not isinstance(events, list):
        events = [] if "op" in fields else [value]
    for index, event in enumerate(events):
        if (where := _where(event)) is not None:
            seq = fields.get("seq")
            return BadBatch(
                f"event {index}: {_says(*where)}", index=index, seq=seq if isinstance(seq, int) else None
            )
    where = _where(fields)
    return None if where is None else BadBody(_says(*where))


def _says(name: str, half: str) -> str:
    place = f"`{name}` holds" if name else "there is"
    return f"{place} half a character, \\u{ord(half):04x} without its other half: not Unicode text"


def _where(value: Any, name: str = "") -> tuple[str, str] | None:
    """The field of `value` that holds half a character, and that half."""
    if isinstance(value, str):
        half = next((c for c in value if "\ud800" <= c <= "\udfff"), None)
        return None if half is None else (name, half)
    if isinstance(value, dict):
        for key, each in value.items():
            if (found := _where(key, name) or _where(each, name or _printable(key))) is not None:
                return found
    if isinstance(value, list):
        for each in value:
            if (found := _where(each, name)) is not None:
                return found
    return None


def _printable(key: str) -> str:
    return key[:64].encode(errors="replace").decode()
