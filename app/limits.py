"""How fast is too fast: token buckets."""


class TokenBucket:
    """`rate` tokens a second, `burst` at most. Time is an argument (ms)."""

    __slots__ = ("at", "burst", "rate", "tokens")

    def __init__(self, rate: float, burst: float) -> None:
        self.rate = rate
        self.burst = burst
        self.tokens = burst
        self.at: int | None = None

    def take(self, amount: float, now: int) -> int:
        """Take `amount` tokens and return 0, or take none and return the ms to wait. An amount above the burst
        is let through when the bucket is full."""
        if self.at is not None and now > self.at:
            self.tokens = min(self.burst, self.tokens + (now - self.at) * self.rate / 1000)
        if self.at is None or now > self.at:
            self.at = now
        needed = min(amount, self.burst)
        if self.tokens >= needed:
            self.tokens -= amount
            return 0
        return max(1, round((needed - self.tokens) * 1000 / self.rate))

    def remaining(self) -> int:
        return max(0, int(self.tokens))
