"""Settings: one frozen table, read from the environment in one place."""

import dataclasses
import ipaddress
import math
import re
import resource
from collections.abc import Mapping
from typing import Any, Final

#: 30 days: the longest life (s) of a session token.
MAX_TOKEN_TTL = 2_592_000
#: No setting is larger: 30 years in seconds, and a billion of anything.
MAX_NUMBER: Final = 1_000_000_000
#: 0 would stop the service, or let it take nothing.
_ABOVE_ZERO: Final = (
    "workers",
    "max_sessions",
    "max_batch_events",
    "max_batch_bytes",
    "max_inflight",
    "request_timeout",
    "hello_timeout",
    "send_timeout",
    "drain_grace",
)
#: Processes on one machine at most.
MAX_WORKERS: Final = 256


class BadSetting(ValueError):
    """A setting that can't be read; the message names the variable and the value."""


def _setting(env: str, default: Any, help: str) -> Any:
    return dataclasses.field(default=default, metadata={"env": env, "help": help})


@dataclasses.dataclass(frozen=True, kw_only=True)
class Settings:
    """What an operator may set. Durations are seconds unless the name says otherwise; 0 or empty turns an
    optional limit off where the help text says so."""

    host: str = _setting("SESSIONMOOD_HOST", "127.0.0.1", "address to listen on; 0.0.0.0 for all")
    port: int = _setting("PORT", 8000, "port to listen on; 0 picks a free one")
    database_url: str = _setting(
        "DATABASE_URL",
        "sqlite:///data/sessionmood.db",
        "where everything is kept: sqlite:///FILE, or postgresql://USER:PASSWORD@HOST/DATABASE",
    )
    redis_url: str = _setting(
        "REDIS_URL",
        "",
        "Valkey or Redis (7 or later) between several nodes: redis://HOST:6379, or rediss:// with TLS; needs Postgres",
    )
    workers: int = _setting(
        "SESSIONMOOD_WORKERS", 1, "processes on this machine; more than 1 need Postgres and REDIS_URL"
    )
    public_url: str = _setting(
        "SESSIONMOOD_PUBLIC_URL", "", "the address visitors use, when a proxy stands in front"
    )
    log_level: str = _setting("SESSIONMOOD_LOG_LEVEL", "info", "debug, info, warning or error")
    log_format: str = _setting("SESSIONMOOD_LOG_FORMAT", "text", "text, or json for one object a line")

    demo: str = _setting(
        "SESSIONMOOD_DEMO",
        "auto",
        "the demo page and its key, in a project of its own: on, off, or auto for on until a key is bound to origins",
    )
    model: str = _setting("SESSIONMOOD_MODEL", "", "a file of model overrides (`sessionmood tune` makes one)")
    shadow_model: str = _setting(
        "SESSIONMOOD_SHADOW_MODEL", "", "a candidate model to run beside the live one and compare"
    )
    neutral_labels: int = _setting(
        "SESSIONMOOD_NEUTRAL_LABELS",
        0,
        "1: show words for the moods that name no feeling (hindered, active, idle, searching, exploring, progressing), "
        "as `label` beside `mood`, for use at work and in schools; 0: don't",
    )
    help_warmup: float = _setting(
        "SESSIONMOOD_HELP_WARMUP", 20.0, "seconds from a session's start before help may be offered"
    )
    help_hold: float = _setting(
        "SESSIONMOOD_HELP_HOLD", 1.5, "seconds the mood must hold, unless two signals agree"
    )
    help_cooldown: float = _setting("SESSIONMOOD_HELP_COOLDOWN", 600.0, "seconds between two offers")
    help_per_session: int = _setting("SESSIONMOOD_HELP_PER_SESSION", 2, "offers a session at most")
    help_holdout: float = _setting(
        "SESSIONMOOD_HELP_HOLDOUT",
        0.1,
        "share of sessions that are never shown help, to compare with (0 to 1)",
    )

    max_connections: int = _setting(
        "SESSIONMOOD_MAX_CONNECTIONS", 0, "open sockets at most; 0: 80 % of the files this process may open"
    )
    max_connections_per_address: int = _setting(
        "SESSIONMOOD_MAX_CONNECTIONS_PER_ADDRESS", 2000, "open sockets from one address at most; 0: no limit"
    )
    max_connections_per_key: int = _setting(
        "SESSIONMOOD_MAX_CONNECTIONS_PER_KEY", 0, "open sockets with one key at most; 0: no limit"
    )
    connects_per_second: float = _setting(
        "SESSIONMOOD_CONNECTS_PER_SECOND", 200.0, "new sockets a second from one address at most; 0: no limit"
    )
    max_sessions: int = _setting(
        "SESSIONMOOD_MAX_SESSIONS",
        50_000,
        "sessions in memory at most; the longest idle are kept on disk only",
    )
    session_idle: float = _setting(
        "SESSIONMOOD_SESSION_IDLE",
        30.0,
        "seconds without an event after which a session that nobody listens to leaves memory",
    )
    visit_idle: float = _setting(
        "SESSIONMOOD_VISIT_IDLE", 1800.0, "seconds without an event after which a visit is over; 1 or more"
    )
    learn_elements: int = _setting(
        "SESSIONMOOD_LEARN_ELEMENTS",
        1,
        "1: learn across visitors which elements answer, how fast, and how often in a row they are clicked; 0: don't",
    )
    max_batch_events: int = _setting("SESSIONMOOD_MAX_BATCH_EVENTS", 500, "events a batch at most")
    max_batch_bytes: int = _setting("SESSIONMOOD_MAX_BATCH_BYTES", 262_144, "bytes a batch at most")
    max_inflight: int = _setting(
        "SESSIONMOOD_MAX_INFLIGHT", 32, "batches a socket may have sent without an ack"
    )
    session_events_per_second: float = _setting(
        "SESSIONMOOD_SESSION_EVENTS_PER_SECOND",
        200.0,
        "events a second of one session that came with a pk_ key; bursts of ten seconds; 0: no limit",
    )
    address_events_per_second: float = _setting(
        "SESSIONMOOD_ADDRESS_EVENTS_PER_SECOND",
        2_000.0,
        "events a second of one address that come with pk_ keys; bursts of ten seconds; 0: no limit",
    )
    key_events_per_second: float = _setting(
        "SESSIONMOOD_KEY_EVENTS_PER_SECOND",
        0.0,
        "events a second of one key, unless it has its own; 0: no limit",
    )
    new_sessions_per_second: float = _setting(
        "SESSIONMOOD_NEW_SESSIONS_PER_SECOND",
        20.0,
        "sessions that one address may open a second with pk_ keys; bursts of ten seconds; 0: no limit",
    )
    longest_hold: float = _setting(
        "SESSIONMOOD_LONGEST_HOLD",
        1.0,
        "seconds that answers and handshakes wait at most for an address that is refused all the time, or asks for "
        "pages without a pause; 0: never",
    )
    request_timeout: float = _setting(
        "SESSIONMOOD_REQUEST_TIMEOUT",
        20.0,
        "seconds a request may take to arrive, head and body; a socket's message too",
    )
    hello_timeout: float = _setting(
        "SESSIONMOOD_HELLO_TIMEOUT", 5.0, "seconds a new socket has for its hello"
    )
    ping_interval: float = _setting(
        "SESSIONMOOD_PING_INTERVAL", 25.0, "seconds of silence before the server pings"
    )
    send_timeout: float = _setting(
        "SESSIONMOOD_SEND_TIMEOUT", 10.0, "seconds a client may leave what it is sent unread"
    )
    token_ttl: float = _setting("SESSIONMOOD_TOKEN_TTL", 86_400.0, "seconds a session token is good for")
    drain_gap: float = _setting(
        "SESSIONMOOD_DRAIN_GAP", 2.0, "seconds /readyz says 503 before sockets are asked to leave"
    )
    drain_spread: float = _setting(
        "SESSIONMOOD_DRAIN_SPREAD", 8.0, "seconds over which sockets are asked to leave at a stop"
    )
    drain_grace: float = _setting("SESSIONMOOD_DRAIN_GRACE", 20.0, "seconds a stop may take in all")
    retention_days: float = _setting(
        "SESSIONMOOD_RETENTION_DAYS", 90.0, "days a session is kept after its last event; 0: for ever"
    )
    metrics_token: str = _setting(
        "SESSIONMOOD_METRICS_TOKEN", "", "when set, /metrics wants it as a bearer token"
    )
    trusted_proxies: str = _setting(
        "SESSIONMOOD_TRUSTED_PROXIES", "127.0.0.1", "addresses whose X-Forwarded-For is believed, with commas"
    )

    @classmethod
    def from_env(cls, environ: Mapping[str, str], **overrides: Any) -> "Settings":
        """Settings from environment variables, `overrides` (field names) first.

        Raises BadSetting with the variable's name and value.
        """
        values: dict[str, Any] = {}
        for field in dataclasses.fields(cls):
            name = field.metadata["env"]
            if field.name in overrides and overrides[field.name] is not None:
                values[field.name] = overrides[field.name]
            elif environ.get(name, "") != "":
                values[field.name] = _read(name, environ[name], field.type)
        settings = cls(**values)
        _check(settings)
        return settings

    @property
    def sqlite_path(self) -> str:
        """The database's file. Raises BadSetting for another kind of URL."""
        prefix = "sqlite:///"
        if not self.database_url.startswith(prefix) or self.database_url == prefix:
            raise BadSetting(
                f"DATABASE_URL is {self.shown_database}, not sqlite:///FILE or postgresql://USER:PASSWORD@HOST/DATABASE"
            )
        path = self.database_url[len(prefix) :]
        if path == ":memory:":
            raise BadSetting("DATABASE_URL is sqlite:///:memory:, but what is acked must outlive the process")
        return path

    @property
    def on_postgres(self) -> bool:
        """Whether everything is kept in Postgres, else in an SQLite file."""
        return self.database_url.startswith(("postgresql://", "postgres://"))

    @property
    def shown_database(self) -> str:
        """The database's URL without a password, for logs and messages."""
        return re.sub(r"(password=)[^&]*|(//[^:/@?]*):.*@", _hidden, self.database_url)

    @property
    def connection_cap(self) -> int:
        """WebSockets that may be open at once. The files left over are for requests and the database."""
        return self.max_connections or int(_files() * 0.8)

    @property
    def file_cap(self) -> int:
        """Connections of any kind that may be open at once."""
        return max(32, int(_files() * 0.97))

    @property
    def request_cap(self) -> int:
        """Connections that may be open at once with no WebSocket on them (yet)."""
        return max(16, int(_files() * 0.15))

    @property
    def waiting_cap(self) -> int:
        """Requests that may be held at once (`wait`): half of the connections that requests may have."""
        return self.request_cap // 2


def _hidden(found: re.Match[str]) -> str:
    return f"{found[1]}***" if found[1] else f"{found[2]}:***@"


def _files() -> int:
    """Files that this process may have open."""
    soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return 1_000_000 if soft == resource.RLIM_INFINITY else soft


def _read(name: str, text: str, kind: Any) -> Any:
    try:
        return kind(text)
    except ValueError:
        raise BadSetting(
            f"{name} is {text!r}, which is not {'a whole number' if kind is int else 'a number'}"
        ) from None


def _check(settings: Settings) -> None:
    for field in dataclasses.fields(Settings):
        name, value = field.metadata["env"], getattr(settings, field.name)
        if isinstance(value, bool) or not isinstance(value, int | float):
            continue
        if not math.isfinite(value):
            raise BadSetting(f"{name} is {value}, which is not a number")
        if value < 0:
            raise BadSetting(f"{name} is {value}, but can't be below 0")
        if value > MAX_NUMBER:
            raise BadSetting(f"{name} is {value}, but can't be above {MAX_NUMBER:,}")
        if value == 0 and field.name in _ABOVE_ZERO:
            raise BadSetting(f"{name} is 0, but must be above 0")
    if settings.port > 65_535:
        raise BadSetting(f"PORT is {settings.port}, but can't be above 65535")
    if settings.help_holdout > 1:
        raise BadSetting(f"SESSIONMOOD_HELP_HOLDOUT is {settings.help_holdout}, but is a share from 0 to 1")
    if settings.visit_idle < 1:
        raise BadSetting(f"SESSIONMOOD_VISIT_IDLE is {settings.visit_idle:g}, but can't be below 1 second")
    if settings.log_level not in ("debug", "info", "warning", "error"):
        raise BadSetting(
            f"SESSIONMOOD_LOG_LEVEL is {settings.log_level!r}, not debug, info, warning or error"
        )
    if settings.demo not in ("auto", "on", "off"):
        raise BadSetting(f"SESSIONMOOD_DEMO is {settings.demo!r}, not auto, on or off")
    if settings.log_format not in ("text", "json"):
        raise BadSetting(f"SESSIONMOOD_LOG_FORMAT is {settings.log_format!r}, not text or json")
    if not 0 < settings.token_ttl <= MAX_TOKEN_TTL:
        raise BadSetting(
            f"SESSIONMOOD_TOKEN_TTL is {settings.token_ttl}, not above 0 and up to {MAX_TOKEN_TTL}"
        )
    if settings.public_url and re.fullmatch(r"https?://[^\s/?#]+(/[^\s?#]*)?", settings.public_url) is None:
        raise BadSetting(
            f"SESSIONMOOD_PUBLIC_URL is {settings.public_url!r}, not an address like https://mood.example"
        )
    if re.search(r"[\s/]", settings.host):
        raise BadSetting(f"SESSIONMOOD_HOST is {settings.host!r}, not the name or address of an interface")
    _check_nodes(settings)
    _check_proxies(settings.trusted_proxies)
    if not settings.on_postgres:
        _ = settings.sqlite_path


def _check_nodes(settings: Settings) -> None:
    """Several processes meet in Postgres, and tell each other the news over Valkey or Redis."""
    on_postgres = settings.database_url.startswith(("postgresql://", "postgres://"))
    if settings.redis_url and re.match(r"rediss?://[^\s]+$", settings.redis_url) is None:
        raise BadSetting("REDIS_URL is not an address like redis://HOST:6379 or rediss://HOST:6379")
    if settings.workers > MAX_WORKERS:
        raise BadSetting(f"SESSIONMOOD_WORKERS is {settings.workers}, but can't be above {MAX_WORKERS}")
    if settings.workers > 1 and not (on_postgres and settings.redis_url):
        raise BadSetting(
            f"SESSIONMOOD_WORKERS is {settings.workers}, but more than one process needs both "
            "DATABASE_URL=postgresql://… and REDIS_URL=redis://…"
        )
    if settings.redis_url and not on_postgres:
        raise BadSetting(
            "REDIS_URL is set, but several nodes share one Postgres: "
            "set DATABASE_URL=postgresql://… too, or unset REDIS_URL"
        )


def _check_proxies(text: str) -> None:
    for entry in text.split(","):
        try:
            if entry.strip() not in ("", "*"):
                ipaddress.ip_network(entry.strip(), strict=False)
        except ValueError:
            raise BadSetting(
                f"SESSIONMOOD_TRUSTED_PROXIES has {entry.strip()!r}, which is no address (10.0.0.5), no network "
                "(10.0.0.0/8) and not *"
            ) from None
