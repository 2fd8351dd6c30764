"""What other visitors taught of the things on the page: what answers nobody, what always answers, what is stepped on."""

from typing import Any, Final

from app.mood.events import Event
from app.mood.model.model import Model

#: Nothing is known that would matter.
PLAIN: Final = 0
#: It answers nobody: a label, a picture. Its silence is no sign.
MUTE: Final = 1
#: It answered nearly everybody. Its silence is a sign by itself.
RELIABLE: Final = 2
#: It is clicked several times in a row by most, and works: a zoom, a carousel, a player. A burst is how it is used.
STEPPER: Final = 4

_MOST: Final = 64  # things that are remembered: as many as the server notes in one visit


def nature_of(event: Event, m: Model) -> int:
    """The nature of a thing, from what is usual for it (`Event.usual`), as bits."""
    usual = event.usual
    if usual is None or usual[0] < m.usual_visitors:
        return PLAIN
    _, verdicts, answered, _, in_a_row = usual
    judged = verdicts >= m.usual_verdicts
    nature = PLAIN
    if judged and answered <= m.usual_mute:
        nature = MUTE
    elif judged and answered >= m.usual_reliable:
        nature = RELIABLE
    if in_a_row >= m.usual_row and (not judged or answered >= m.usual_works):
        nature |= STEPPER
    return nature


class Natures:
    """The natures of the things that this session has clicked. They hold from the millisecond after the first click
    on, so that the order within one does not matter."""

    __slots__ = ("known",)

    def __init__(self) -> None:
        self.known: dict[str, tuple[int, int, float]] = {}  # target -> since, nature, clicks in a row

    def met(self, event: Event, m: Model) -> None:
        """Note what the log says with a session's first click on a thing."""
        usual, target = event.usual, event.target
        if usual is None or target is None or target in self.known or len(self.known) >= _MOST:
            return
        nature = nature_of(event, m)
        if nature != PLAIN:
            self.known[target] = (event.at, nature, usual[4])

    def of(self, event: Event) -> int:
        """The nature of what an event is about."""
        known = self.known.get(event.target) if event.target is not None else None
        return PLAIN if known is None or event.at <= known[0] else known[1]

    def patience(self, event: Event, m: Model) -> float:
        """How many clicks in a second on this thing are no burst yet: twice what is usual on a stepper, else 0."""
        known = self.known.get(event.target) if event.target is not None else None
        if known is None or event.at <= known[0] or not known[1] & STEPPER:
            return 0.0
        return known[2] * m.usual_patience

    def state(self) -> list[object]:
        return [[target, *known] for target, known in self.known.items()]

    def restore(self, state: object) -> None:
        known: Any = state
        if not isinstance(known, list):
            raise ValueError("the snapshot does not fit: no list of things")
        self.known = {target: (since, nature, in_a_row) for target, since, nature, in_a_row in known}
