"""What `serve` does once its options are read. Loads nothing that only the command line needs."""

import json
import os
import sys
import time
from typing import Any

from app.config.settings import BadSetting, Settings
from app.config.unknown import unknown_names


def run(**options: Any) -> int:
    """Serve until a signal; the exit code. `options`: fields of Settings; what is None comes from the environment."""
    from app.server.run import serve

    try:
        return serve(Settings.from_env(os.environ, **options), unknown_names(os.environ))
    except BadSetting as error:
        return _refuse(str(error), as_json="json" in (options.get("log_format"), _log_format()))


def _log_format() -> str | None:
    return os.environ.get("SESSIONMOOD_LOG_FORMAT")


def _refuse(message: str, *, as_json: bool) -> int:
    if as_json:
        line = {"at": time.time_ns() // 1_000_000, "level": "error", "logger": "sessionmood"}
        print(json.dumps({**line, "message": message}), file=sys.stderr)
    else:
        from app.cli.console import say

        say(message)
    return 2
