"""What the log looks like: one line a record, with the session and the connection it is about.

Nothing a client sends is trusted to be a line: what is printed of it is escaped.
"""

import json
import logging
import sys
import threading
from typing import Final

from app.config.settings import Settings

_unexpected = logging.getLogger("sessionmood")

#: What a record may carry beside its message.
NAMES: Final = ("session", "connection")


class JsonLines(logging.Formatter):
    """One JSON object a line. A record's `fields` (a dict) are in it too."""

    def format(self, record: logging.LogRecord) -> str:
        fields: dict[str, object] = {
            "at": round(record.created * 1000),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        fields.update({name: getattr(record, name) for name in NAMES if hasattr(record, name)})
        fields.update(getattr(record, "fields", {}))
        if record.exc_info:
            fields["exception"] = self.formatException(record.exc_info)
        return json.dumps(fields)


class TextLines(logging.Formatter):
    """Time, level, message, and what it is about."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")

    def formatMessage(self, record: logging.LogRecord) -> str:
        about = [f"{name} {getattr(record, name)}" for name in NAMES if hasattr(record, name)]
        line = super().formatMessage(record) + (f" [{', '.join(about)}]" if about else "")
        return line.translate(_ESCAPED)


_ESCAPED: Final = {code: f"\\x{code:02x}" for code in [*range(32), 127, 0x2028, 0x2029]}


def set_up_logging(settings: Settings) -> None:
    """Everything to standard error. Libraries' own lines may hold paths and headers: only their warnings
    come through, whatever the level."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines() if settings.log_format == "json" else TextLines())
    logging.basicConfig(level="WARNING", handlers=[handler], force=True)
    logging.getLogger("sessionmood").setLevel(settings.log_level.upper())
    # What Python itself would print becomes a line as well.
    logging.captureWarnings(True)
    sys.excepthook = lambda kind, error, trace: _unexpected.critical("the end", exc_info=(kind, error, trace))
    threading.excepthook = lambda args: _unexpected.critical(
        "a thread ended", exc_info=(args.exc_type, args.exc_value or args.exc_type(), args.exc_traceback)
    )
    for name in ("uvicorn", "uvicorn.error", "uvicorn.asgi"):
        logging.getLogger(name).setLevel(logging.WARNING)
