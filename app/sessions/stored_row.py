"""What a session's row in storage says, which may lag behind the session."""

from typing import Final

#: So far (ms) a session's row may lag behind its log, by the times of its events and by when they came.
ROW_LAG_MS: Final = 10_000


class StoredRow:
    """The row as it was last handed to storage. `last_at`: ms, -1 where there is none; `by`: when (ms) the row must be
    written though nothing happens, -1 where it says what the log says."""

    __slots__ = ("by", "due_at", "last_at", "nonce", "page", "traits")

    def __init__(self, nonce: str) -> None:
        self.last_at = -1
        self.due_at: int | None = None
        self.page: str | None = None
        self.nonce = nonce
        self.traits = 0
        self.by = -1

    def is_due(self, last_at: int, due_at: int | None, page: str | None, nonce: str, traits: int) -> bool:
        """Whether the row must be written with the next step: there is none yet, or lists would be wrong by more than
        ROW_LAG_MS, or a moment that may change the mood would be slept through. A moment that comes later than the row
        says may stand: who looks too early writes the right one."""
        return (
            self.last_at < 0
            or last_at - self.last_at >= ROW_LAG_MS
            or page != self.page
            or nonce != self.nonce
            or traits != self.traits
            or (due_at is not None and (self.due_at is None or due_at < self.due_at))
        )

    def written(self, last_at: int, due_at: int | None, page: str | None, nonce: str, traits: int) -> None:
        """Note that a row that says this was handed to storage."""
        self.read(last_at, due_at, page, nonce, traits)
        self.by = -1

    def read(self, last_at: int, due_at: int | None, page: str | None, nonce: str, traits: int) -> None:
        """Note what the row says that the session was read from."""
        self.last_at = last_at
        self.due_at = due_at
        self.page = page
        self.nonce = nonce
        self.traits = traits

    def passed(self, now: int) -> None:
        """Note that a step went to storage at `now` (ms) without the row."""
        if self.by < 0:
            self.by = now + ROW_LAG_MS
