"""Calendar months in UTC: what quotas and signing secrets go by."""

import datetime
from functools import lru_cache

_DAY_MS = 86_400_000


def month_of(now: int) -> str:
    """The calendar month (UTC) of `now` (ms), as "2026-11"."""
    return _month_of_day(now // _DAY_MS)


@lru_cache(maxsize=4)
def _month_of_day(day: int) -> str:
    return datetime.datetime.fromtimestamp(day * 86_400, datetime.UTC).strftime("%Y-%m")


def signing_months(now: int) -> list[str]:
    """Months whose secrets count: the coming one (made ahead, so that a disk that fails at midnight stops
    nobody), this one, and the two before."""
    this = datetime.datetime.fromtimestamp(now / 1000, datetime.UTC)
    first = this.year * 12 + this.month - 1
    return [f"{month // 12}-{month % 12 + 1:02}" for month in range(first + 1, first - 3, -1)]


def ms_to_next_month(now: int) -> int:
    this = datetime.datetime.fromtimestamp(now / 1000, datetime.UTC)
    start = (this.replace(day=1) + datetime.timedelta(days=32)).replace(
        day=1, hour=0, minute=0, second=0, microsecond=0
    )
    return int((start - this).total_seconds() * 1000)
