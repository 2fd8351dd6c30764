"""A visit's history to rows and back, and as the REST door tells it."""

import msgspec

from app.mood import MOODS, Evidence, Model
from app.sessions.history import NONE, OUTCOMES, History, Offered, Worst, moods_of, outcome_of
from app.storage import HistoryRow, SessionRow


class _Evidence(msgspec.Struct):
    """One line of `because`."""

    signal: str
    points: float
    count: int
    text: str


class _WorstEvidence(msgspec.Struct):
    event_count: int
    signals: list[str]
    because: list[_Evidence]


class _Offer(msgspec.Struct):
    id: str
    at: int
    outcome: str
    outcome_at: int


_decode_evidence = msgspec.json.Decoder(_WorstEvidence).decode
_decode_offers = msgspec.json.Decoder(list[_Offer]).decode
_encode = msgspec.json.Encoder().encode


def mood_columns(history: History, model: Model) -> tuple[str, float, str, int, int]:
    """Mood, confidence, suggested action, when (ms) and traits, as a session's row has them."""
    if history.mood == NONE:
        return "", 0.0, "", history.at, history.traits()
    action = model.actions[history.mood]
    return MOODS[history.mood], history.confidence, action, history.at, history.traits()


def history_row(history: History) -> HistoryRow | None:
    """What is stored beside the session's row; None before the first mood."""
    worst = history.worst
    if worst is None:
        return None
    because = [_Evidence(e.signal, e.points, e.count, e.text) for e in worst.because]
    offers = [_Offer(o.id, o.at, OUTCOMES[o.outcome], o.outcome_at) for o in history.offers]
    return HistoryRow(
        worst.mood,
        worst.confidence,
        worst.at,
        worst.page,
        _encode(_WorstEvidence(worst.event_count, worst.signals, because)),
        _encode(offers),
    )


def restored_history(row: SessionRow, stored: HistoryRow) -> History:
    """The history as it was when `row` was written."""
    evidence = _decode_evidence(stored.evidence)
    worst = Worst(
        stored.worst_mood,
        stored.worst_confidence,
        stored.worst_at,
        evidence.event_count,
        stored.worst_page,
        evidence.signals,
        [Evidence(e.signal, e.points, e.count, e.text) for e in evidence.because],
    )
    offers = [
        Offered(o.id, o.at, OUTCOMES.index(o.outcome), o.outcome_at) for o in _decode_offers(stored.offers)
    ]
    history = History()
    history.restore(row.mood_at, row.confidence, row.traits, worst, offers)
    return history


def labelled(fields: dict[str, object], model: Model) -> dict[str, object]:
    """`fields` with the word to show for its `mood`, where that is another."""
    mood = fields["mood"]
    if isinstance(mood, str) and (label := model.labels[MOODS.index(mood)]) != mood:
        fields["label"] = label
    return fields


def told(traits: int, stored: HistoryRow | None, model: Model) -> dict[str, object]:
    """`moods`, `worst` and `help` of a session, as lists and its page show them."""
    outcome = outcome_of(traits)
    try:
        evidence = None if stored is None else msgspec.to_builtins(_decode_evidence(stored.evidence))
        offers = [] if stored is None else msgspec.to_builtins(_decode_offers(stored.offers))
    except (msgspec.MsgspecError, UnicodeError):  # damaged: one row must not cost the list
        evidence, offers = None, []
    help = None if outcome is None else {"outcome": outcome, "offers": offers}
    worst = None
    if stored is not None and evidence is not None:
        fields: dict[str, object] = {
            "mood": stored.worst_mood,
            "confidence": round(stored.worst_confidence, 4),
            "at": stored.worst_at,
            "page": stored.worst_page,
            **evidence,
        }
        worst = labelled(fields, model)
    return {"moods": moods_of(traits), "worst": worst, "help": help}
