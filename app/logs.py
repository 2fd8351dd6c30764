"""What the log looks like: one line a record, with the session and the connection it is about.

Nothing a client sends is trusted to be a line: what is printed of it is escaped.
"""

import json
import logging
import sys
from typing import Final

from app.config import Settings

#: What a record may carry beside its message.
NAMES: Final = ("session", "connection")


class JsonLines(logging.Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        fields: dict[str, object] = {
            "at": round(record.created * 1000),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        fields.update({name: getattr(record, name) for name in NAMES if hasattr(record, name)})
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
    for name in ("uvicorn", "uvicorn.error", "uvicorn.asgi"):
        logging.getLogger(name).setLevel(logging.WARNING)
