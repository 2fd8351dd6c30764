"""Several processes of the service on one port of one machine, for machines with several processors.

They are nodes like any others: they meet in the database and on the bus. The first process only watches over them.
"""

import contextlib
import logging
import os
import select
import signal
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Final

logger = logging.getLogger("sessionmood.server")

#: A worker that ended by itself is started again after so long (s).
AGAIN_AFTER: Final = 1.0
#: Seconds beyond the grace of a stop after which a worker is killed.
PATIENCE: Final = 5.0


class Worker:
    """What one of several processes knows of itself: its `number` from 1 to `count`, which who is started in its place
    takes over, and the `folder` where they meet. `is_first`: it begins before the others."""

    def __init__(self, number: int, count: int, folder: Path, report: int | None, told: int) -> None:
        self.number = number
        self.count = count
        self.folder = folder
        self._report = report
        self._told = told
        self.is_first = report is not None

    def begin(self, leave: Callable[[], object]) -> None:
        """It answers now. `leave` is called, from another thread, when it is to stop."""
        if self._report is not None:
            os.write(self._report, b"1")
            os.close(self._report)

        def wait() -> None:
            os.read(self._told, 1)
            leave()

        threading.Thread(target=wait, name="until told", daemon=True).start()


class Workers:
    """`count` processes that each `serve`: until told to stop, then the exit code. The first begins alone, so that what
    is made once in a new database is made once. `grace`: seconds that a stop may take."""

    def __init__(self, count: int, grace: float, serve: Callable[[Worker], int]) -> None:
        self._count = count
        self._grace = grace
        self._serve = serve
        # whoever reads from it finds its end when this process stops, or is no more
        self._told, self._lifeline = os.pipe()
        self._running: dict[int, int] = {}  # numbers by process
        self._stopping = False

    def run(self) -> int:
        """Until told to stop; the exit code."""
        with tempfile.TemporaryDirectory(prefix="sessionmood-", ignore_cleanup_errors=True) as folder:
            self._folder = Path(folder)
            return self._run()

    def _run(self) -> int:
        for each in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            if signal.getsignal(each) is not signal.SIG_IGN:
                signal.signal(each, self._stop)
        if not self._start_first():
            return self._wait_for_all() or 3
        for number in range(2, self._count + 1):
            self._start(number)
        code = self._watch()
        logger.info("all %d workers have stopped", self._count)
        return code

    def _start_first(self) -> bool:
        ready, report = os.pipe()
        self._start(1, report)
        os.close(report)
        with contextlib.suppress(InterruptedError):
            select.select([ready], [], [])
        started = bool(os.read(ready, 1))
        os.close(ready)
        return started or self._stopping

    def _start(self, number: int, report: int | None = None) -> None:
        if self._stopping:
            return
        pid = os.fork()
        if pid:
            self._running[pid] = number
            return
        code = 1
        try:
            code = self._work(number, report)
        except SystemExit as left:
            code = left.code if isinstance(left.code, int) else 1
        except BaseException:
            logger.exception("a worker failed")
        finally:
            os._exit(code)

    def _work(self, number: int, report: int | None) -> int:
        """In the new process. Signals are the first process's: a terminal or systemd sends them to all."""
        os.close(self._lifeline)
        for each in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(each, signal.SIG_IGN)

        return self._serve(Worker(number, self._count, self._folder, report, self._told))

    def _watch(self) -> int:
        """Start again who ends, until told to stop. The worst exit code after that."""
        while self._running and not self._stopping:
            pid, status = os.waitpid(-1, 0)
            number = self._running.pop(pid)
            if not self._stopping:
                logger.error(
                    "worker %d ended with %d; it is started again", number, os.waitstatus_to_exitcode(status)
                )
                time.sleep(AGAIN_AFTER)
                self._start(number)
        return self._wait_for_all()

    def _wait_for_all(self) -> int:
        worst = 0
        while self._running:
            pid, status = os.waitpid(-1, 0)
            self._running.pop(pid, None)
            worst = max(worst, abs(os.waitstatus_to_exitcode(status)))
        return worst

    def _stop(self, number: int, frame: FrameType | None) -> None:
        """Tell all to stop; a second signal ends them there and then."""
        if self._stopping:
            self._kill()
            return
        self._stopping = True
        logger.info("%s: stopping %d workers", signal.Signals(number).name, len(self._running))
        os.close(self._lifeline)
        timer = threading.Timer(self._grace + PATIENCE, self._kill)
        timer.daemon = True
        timer.start()

    def _kill(self) -> None:
        for pid in list(self._running):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
