"""A mood's chance and thresholds from what people said: the curve from points to chance, and where it is entered.

How: sessions are told apart by the highest points that the mood reached in them. The threshold is where most are caught,
less the price of those told falsely (`delivered.PRICES`); it moves away from the one in use only if that is clearly
worth it. What is stated there is the share of those at or above it who said yes, drawn towards what is stated now, as if
five more had been asked. How steeply the chance rises comes from a logistic curve through the same sessions.
"""

from collections.abc import Sequence
from math import exp, log
from typing import Final

from app.lab.evaluation.calibration import fit_logistic
from app.lab.evaluation.delivered import PRICES, at_threshold, best_threshold, curve
from app.mood import MOODS, Model
from app.mood.scoring import chance_of

#: What another threshold must be worth, in shares caught, to leave the one in use.
_WORTH: Final = 0.05
#: So many answers that agree with what is stated now are added.
_BELIEF: Final = 5.0
#: A slope below this, in log-odds a point, says that the points tell nothing here.
_FLAT: Final = 0.1
#: The spread may become this many times wider or narrower.
_STRETCH: Final = 2.0


def fit_thresholds(mood: str, peaks: Sequence[tuple[float, int]], model: Model) -> dict[str, float]:
    """Overrides of `even`, `spread`, `enter` and `leave` of a mood. `peaks`: the highest points of each session and
    whether the person said so. Empty for `engaged`, which claims nothing, without both kinds of answers, and where
    the points do not rise with the answers."""
    if mood not in PRICES or len({yes for _, yes in peaks}) < 2:
        return {}
    slope, _ = fit_logistic(peaks)
    if slope < _FLAT:
        return {}
    own = model.curves[MOODS.index(mood)]
    entry = own.even + own.spread * own.enter
    gap = own.spread * (own.enter - own.leave)
    points = curve(peaks)
    price = PRICES[mood]

    def worth(threshold: float) -> float:
        reached = at_threshold(points, threshold)
        return reached.caught - price * reached.false

    best = best_threshold([points], price)
    if worth(best) >= worth(entry) + _WORTH:
        below = max((peak for peak, _ in peaks if peak < best), default=best - 1.0)
        entry = (best + below) / 2.0  # midway, so that it holds for those a little lower, and after rounding
    reached = [yes for peak, yes in peaks if peak >= entry]
    now = chance_of(MOODS.index(mood), entry, own.most, model)
    stated = min((sum(reached) + _BELIEF * now) / (len(reached) + _BELIEF), 0.97 * own.most)
    spread = min(max(1 / slope, own.spread / _STRETCH), own.spread * _STRETCH)
    even = entry + spread * log(own.most / stated - 1.0)
    leave = own.most / (1.0 + (own.most / stated - 1.0) * exp(gap / spread))
    fitted = {
        f"even.{mood}": round(even, 2),
        f"spread.{mood}": round(spread, 2),
        f"enter.{mood}": round(stated, 3),
        f"leave.{mood}": round(min(leave, stated), 3),
    }
    return {key: value for key, value in fitted.items() if value != model.settings[key]}
