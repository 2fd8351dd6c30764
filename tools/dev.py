"""`make dev`: serve with a talkative log, and start again whenever a file of app/ changes.

python -m tools.dev [OPTIONS OF SERVE]
"""

import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOOK_EVERY = 0.5  # seconds
QUICK = {
    "SESSIONMOOD_LOG_LEVEL": "debug",
    "SESSIONMOOD_DRAIN_GAP": "0",
    "SESSIONMOOD_DRAIN_SPREAD": "0",
    "SESSIONMOOD_DRAIN_GRACE": "3",
}


def newest() -> float:
    return max(path.stat().st_mtime for path in (ROOT / "app").rglob("*.py"))


def main() -> int:
    while True:
        seen = newest()
        server = subprocess.Popen(
            [sys.executable, "-m", "app", "serve", *sys.argv[1:]], cwd=ROOT, env={**QUICK, **os.environ}
        )
        try:
            while newest() == seen:
                time.sleep(LOOK_EVERY)
        except KeyboardInterrupt:
            return server.wait()
        print("a file has changed: starting again", file=sys.stderr)
        server.terminate()
        server.wait()


if __name__ == "__main__":
    sys.exit(main())
