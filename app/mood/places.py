"""The things on the page that clicks went to: how often, how many of the clicks were dead, what came of bursts."""

from math import exp
from typing import Any, Final

from app.mood import snapshot
from app.mood.decay import kept
from app.mood.model.model import Model

_MOST: Final = 8  # things that are remembered at a time

FIELDS: Final = (
    "clicks",
    "at",
    "dead_since",
    "dead",
    "verdicts",
    "waited",
    "burst_at",
    "answers",
)


class Place:
    """What is known of one thing. All counts are as of `at` and fade with frustration. `dead_since`: ms, its first
    dead click; -1: none. `verdicts`: the client's on bursts of clicks; `waited`: the clicks of such a burst that were
    seen to stay unanswered. `burst_at`: ms, when the burst that was told last was seen to go on; -1: none."""

    __slots__ = FIELDS

    def __init__(self, at: int) -> None:
        self.clicks: float = 0.0
        self.at: int = at
        self.dead_since: int = -1
        self.dead: float = 0.0
        self.verdicts: float = 0.0
        self.waited: float = 0.0
        self.burst_at: int = -1
        self.answers: float = 0.0

    def fade(self, at: int, m: Model) -> None:
        if at > self.at:
            left = exp(m.friction_rate * (self.at - at))
            self.clicks *= left
            self.dead *= left
            self.verdicts *= left
            self.waited *= left
            self.answers *= left
        self.at = at


class Places:
    """The last places, by target."""

    __slots__ = ("known", "places")

    def __init__(self) -> None:
        self.known: dict[str, Place] = {}
        self.places: list[Place] = []  # the same, in any order: compiled code walks a list far faster

    def of(self, target: str, at: int, m: Model) -> Place:
        """The record of a target, faded to `at`; a new one takes the place of that which was met longest ago."""
        place = self.known.get(target)
        if place is None:
            if len(self.known) >= _MOST:
                known = self.known
                oldest = min(known, key=lambda t: (known[t].at, t))
                self.places.remove(known.pop(oldest))
            place = self.known[target] = Place(at)
            self.places.append(place)
        else:
            place.fade(at, m)
        return place

    def moved_on(self) -> None:
        """Another page: no burst waits for an answer any more."""
        for place in self.known.values():
            place.waited = 0.0

    def take_back(self, rage: float, target: str | None, at: int, m: Model) -> float:
        """What is left of `rage`, a count of verdicts as of `at`, when an answer came to `target`, or, without one, to
        all: those that were told of it were repeat use."""
        for name, place in self.known.items():
            if (place.verdicts > 0.0 or place.waited > 0.0) and (target is None or name == target):
                verdicts = place.verdicts * kept(m.friction_rate, place.at, at)
                rage = max(0.0, rage - verdicts * (1.0 - m.rage_answered))
                place.verdicts = 0.0
                place.waited = 0.0
        return rage

    def most_clicks(self, least: float, now: int, m: Model) -> float:
        """The most clicks on one thing, if above `least`."""
        most = least
        unfaded = least  # of that one, as of `at`
        at = -1
        leader: Place | None = None
        for place in self.places:
            clicks = place.clicks
            # what was no more at no later a time is no more now: it needs no exponential
            if clicks > most and (clicks > unfaded or place.at > at):
                left = clicks
                if now > place.at:
                    left *= exp(m.friction_rate * (place.at - now))
                if left > most:
                    most = left
                    unfaded = clicks
                    at = place.at
                    leader = place
        if leader is not None and leader is not self.places[0]:
            self.places.remove(leader)  # to be looked at first
            self.places.insert(0, leader)
        return most

    def most_dead(self, least: float, now: int, m: Model) -> float:
        """The most dead clicks on one thing, if above `least`: each answer forgives one."""
        most = least
        for place in self.places:
            dead = place.dead - place.answers
            if dead > most:
                most = max(most, dead * kept(m.friction_rate, place.at, now))
        return most

    def most_waited(self, least: float, now: int, m: Model) -> float:
        """The most clicks on one thing that a verdict saw unanswered, if above `least`: each answer forgives one."""
        most = least
        for place in self.known.values():
            waited = place.waited - place.answers
            if waited > most:
                most = max(most, waited * kept(m.friction_rate, place.at, now))
        return most

    def forgiven(self, now: int, m: Model) -> float:
        """Dead clicks on things that answered as often: a stepper at its end, not a broken page."""
        forgiven = 0.0
        for place in self.known.values():
            both = min(place.dead, place.answers)
            if both > 0.0:
                forgiven += both * kept(m.friction_rate, place.at, now)
        return forgiven

    def state(self) -> list[object]:
        return [[target, *snapshot.take(place, FIELDS)] for target, place in self.known.items()]

    def restore(self, state: object) -> None:
        known: Any = state
        if not isinstance(known, list):
            raise ValueError("the snapshot does not fit: no list of places")
        self.known = {}
        self.places = []
        for target, *fields in known:
            place = self.known[target] = Place(0)
            self.places.append(place)
            snapshot.put(place, FIELDS, fields)
