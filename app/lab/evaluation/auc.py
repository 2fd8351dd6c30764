"""Ranking: how often somebody who said yes outranks somebody who said no."""

import random
from collections.abc import Iterable, Sequence

#: (score, label), label 1 or 0
Pair = tuple[float, int]


def auc(pairs: Sequence[Pair]) -> float | None:
    """Chance in [0, 1] that a positive outranks a negative, ties at half (Mann-Whitney U over all pairs).
    None without both kinds. 0.5 is chance."""
    ordered = sorted(pairs)
    positives = sum(label for _, label in ordered)
    negatives = len(ordered) - positives
    if not positives or not negatives:
        return None
    rank_sum = 0.0
    start = 0
    while start < len(ordered):
        end = start
        while end < len(ordered) and ordered[end][0] == ordered[start][0]:
            end += 1
        shared_rank = (start + 1 + end) / 2
        rank_sum += shared_rank * sum(label for _, label in ordered[start:end])
        start = end
    return (rank_sum - positives * (positives + 1) / 2) / (positives * negatives)


def auc_within(people: Iterable[Sequence[Pair]]) -> float | None:
    """The same chance over pairs of one person's own sessions only (`people`: each one's): people use scales
    differently. None if nobody has both kinds."""
    won = 0.0
    compared = 0
    for pairs in people:
        own = auc(pairs)
        if own is not None:
            positives = sum(label for _, label in pairs)
            size = positives * (len(pairs) - positives)
            won += own * size
            compared += size
    return won / compared if compared else None


def interval(
    people: Sequence[Sequence[Pair]], rounds: int = 400, seed: int = 7
) -> tuple[float, float] | None:
    """95 % bootstrap interval of the AUC, drawing people, not sessions: sessions of one person are alike.
    Percentile method; None if no draw had both kinds."""
    draw = random.Random(seed)  # noqa: S311 - a bootstrap, not a secret
    values = []
    for _ in range(rounds if people else 0):
        drawn = [pair for pairs in draw.choices(people, k=len(people)) for pair in pairs]
        value = auc(drawn)
        if value is not None:
            values.append(value)
    if not values:
        return None
    values.sort()
    return values[int(0.025 * len(values))], values[max(int(0.975 * len(values)) - 1, 0)]
