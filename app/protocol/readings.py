"""What goes out: readings, frames of the server, problems, as JSON."""

import msgspec

from app.errors import SessionMoodError
from app.mood import Offer, Reading

_encoder = msgspec.json.Encoder()
encode = _encoder.encode


def position(reading: Reading) -> tuple[int, int]:
    """(event_count, as_of in ms): of two readings the one with the higher position is newer."""
    return reading.event_count, reading.as_of


def reading_dict(reading: Reading, offer: Offer | None = None) -> dict[str, object]:
    """A reading in the order of the contract; the original API's five fields first."""
    fields: dict[str, object] = {
        "mood": reading.mood,
        "confidence": round(reading.confidence, 4),
        "suggested_action": reading.suggested_action,
        "signals": reading.signals,
        "event_count": reading.event_count,
        "scores": reading.scores,
        "because": [
            {"signal": part.signal, "points": part.points, "count": part.count, "text": part.text}
            for part in reading.because
        ],
        "since": reading.since,
        "as_of": reading.as_of,
        "previous": reading.previous,
    }
    if reading.label != reading.mood:
        fields["label"] = reading.label
    if offer is not None:
        fields["help"] = {"id": offer.id, "holdout": offer.holdout}
    return fields


def frame(op: str, **fields: object) -> bytes:
    """A server frame."""
    return encode({"op": op, **fields})


def problem(error: SessionMoodError) -> dict[str, object]:
    """The RFC 9457 object of a refusal."""
    fields: dict[str, object] = {
        "type": f"urn:sessionmood:{error.code}",
        "title": error.title,
        "status": error.status,
        "detail": error.detail,
        "code": error.code,
    }
    if error.retry_ms is not None:
        fields["retry_ms"] = error.retry_ms
    fields.update({name: value for name, value in error.extra.items() if value is not None})
    return fields
