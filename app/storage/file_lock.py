"""Locks between processes, on empty files beside the database. The system frees them when a process dies."""

import contextlib
import os
import sqlite3
import time
from types import TracebackType

try:
    import fcntl
except ImportError:  # Windows: one process at a time is then up to its owner
    fcntl = None  # type: ignore[assignment]

POLL_SECONDS = 0.005


class FileLock:
    """Not SQLite's own locks: those let a checkpoint and a commit of two processes overlap. It is the file's, by
    whatever name. `shared`: beside others that are shared too. `make`: make the file if there is none."""

    def __init__(self, path: str, *, shared: bool = False, make: bool = True) -> None:
        self._path = path
        self._shared = shared
        self._make = os.O_CREAT if make else 0
        self._fd: int | None = None

    @property
    def fd(self) -> int | None:
        """The open file, None before `acquire`."""
        return self._fd

    def acquire(self, seconds: float) -> bool:
        """Whether the lock was free, or became so in time. Raises OSError where the file can't be opened or made."""
        if self._fd is None:
            self._fd = os.open(self._path, os.O_RDWR | self._make | os.O_CLOEXEC, 0o600)
        if fcntl is None:  # pragma: no cover - Windows alone, which CI does not have
            return True
        deadline = time.monotonic() + seconds
        while True:
            try:
                fcntl.flock(self._fd, (fcntl.LOCK_SH if self._shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() >= deadline:
                    return False
                time.sleep(POLL_SECONDS)
            else:
                return True

    def release(self) -> None:
        if self._fd is not None and fcntl is not None:  # pragma: no branch - as above
            fcntl.flock(self._fd, fcntl.LOCK_UN)

    def close(self) -> None:
        if self._fd is not None:
            with contextlib.suppress(OSError):
                os.close(self._fd)
            self._fd = None


class Gate(FileLock):
    """Held by whoever writes to the database or checkpoints it, for as long as that takes (ms)."""

    def __init__(self, path: str, patience: float) -> None:
        super().__init__(path)
        self._patience = patience
        self._depth = 0

    def __enter__(self) -> None:
        if self._depth == 0 and not self.acquire(self._patience):
            error = sqlite3.OperationalError("another process is writing")
            error.sqlite_errorcode = sqlite3.SQLITE_BUSY
            raise error
        self._depth += 1

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._depth -= 1
        if self._depth == 0:
            self.release()
