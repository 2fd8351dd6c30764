"""Everything that can be refused: one tree, each leaf with what every door needs to say.

SessionMoodError
├── BadRequest          400 / 4004   not JSON, or not what the contract says
│   ├── BadBody         422          a field of a managing call is malformed
│   ├── BadBatch        422          an event of the batch is malformed: `index` and the reason
│   ├── OutOfOrder      409          events before these are missing: `expect`
│   ├── TooLarge        413 / 4009   over a limit of bytes or events
│   └── HeadTooLarge    431          a request's head, or what comes beside its body
├── TooLate             408          a request that takes too long to arrive
├── UnknownCoding       501          a body in a transfer coding that is not read here
├── Unsupported         415          a body of another media type
├── NotFound            404
├── BadKey              401 / 4001   no key, an unknown or a malformed one
├── Revoked             401 / 4005   the key was revoked
├── Forbidden           403          a key that may not do this
│   ├── BadOrigin       403 / 4002   not on the key's list of origins
│   └── BadToken        403 / 4010   no session token, a wrong or an expired one
├── NoHello             4003         the first frame was no hello, or came too late
├── WrongVersion        4006         a subprotocol this server does not speak
├── RateLimited         429 / 4129   too fast: `retry_ms`
│   └── OverQuota       429 / 4129   the key's sessions of this month are used up
├── Overloaded          503 / 4100   this server is full: `retry_ms`
│   ├── TooManyConnections  503 / 4101
│   └── StorageUnavailable  503      nothing can be kept right now: `retry_ms`
│       └── Damaged     503 / 4100   what is kept of this session cannot be read
├── TooSlow             4102         a client that does not read
├── Draining            503 / 4200   this server is going away: reconnect now
└── Superseded          4202         a newer connection took over
"""


class SessionMoodError(Exception):
    """A refusal with a stable `code`, an HTTP `status`, a WebSocket `close_code` and, where trying again
    helps, `retry_ms`. `detail` is for the person who reads it; it never holds a key or a token."""

    code = "internal"
    title = "Something went wrong here"
    status = 500
    close_code = 1011

    def __init__(self, detail: str = "", *, retry_ms: int | None = None, **extra: object) -> None:
        self.detail = detail or self.title
        self.retry_ms = retry_ms
        self.extra = extra
        super().__init__(self.detail)


class BadRequest(SessionMoodError):
    code, title, status, close_code = "bad_request", "The request is not what the contract says", 400, 4004


class BadBody(BadRequest):
    code, title, status, close_code = "bad_body", "A field of the body is malformed", 422, 4004


class BadBatch(BadRequest):
    code, title, status, close_code = "bad_event", "An event of the batch is malformed", 422, 4004


class OutOfOrder(BadRequest):
    code, title, status, close_code = "out_of_order", "Events before these are missing", 409, 4004


class TooLarge(BadRequest):
    code, title, status, close_code = "too_large", "The batch is over a limit", 413, 4009


class HeadTooLarge(BadRequest):
    code, title, status, close_code = "head_too_large", "The request's head is over a limit", 431, 4004


class TooLate(SessionMoodError):
    code, title, status, close_code = "too_late", "The request did not arrive in time", 408, 4102


class UnknownCoding(SessionMoodError):
    code, title, status, close_code = "unknown_coding", "This transfer coding is not supported", 501, 4004


class Unsupported(SessionMoodError):
    code, title, status, close_code = (
        "unsupported_media_type",
        "The body's media type is not supported",
        415,
        4004,
    )


class NotFound(SessionMoodError):
    code, title, status, close_code = "not_found", "There is nothing here", 404, 4004


class MethodNotAllowed(SessionMoodError):
    code, title, status, close_code = (
        "method_not_allowed",
        "This address does not take that method",
        405,
        4004,
    )


class BadKey(SessionMoodError):
    code, title, status, close_code = "bad_key", "The key is missing or unknown", 401, 4001


class Revoked(SessionMoodError):
    code, title, status, close_code = "revoked", "The key was revoked", 401, 4005


class Forbidden(SessionMoodError):
    code, title, status, close_code = "forbidden", "This key may not do that", 403, 4001


class BadOrigin(Forbidden):
    code, title, status, close_code = "bad_origin", "This origin is not on the key's list", 403, 4002


class BadToken(Forbidden):
    code, title, status, close_code = "bad_token", "The session token is missing, wrong or expired", 403, 4010


class NoHello(SessionMoodError):
    code, title, status, close_code = "no_hello", "The first frame must be a hello", 400, 4003


class WrongVersion(SessionMoodError):
    code, title, status, close_code = (
        "wrong_version",
        "This server does not speak that subprotocol",
        400,
        4006,
    )


class RateLimited(SessionMoodError):
    code, title, status, close_code = "rate_limited", "Too many requests", 429, 4129


class OverQuota(RateLimited):
    code, title, status, close_code = "over_quota", "The key's sessions of this month are used up", 429, 4129


class Overloaded(SessionMoodError):
    code, title, status, close_code = "overloaded", "This server is full", 503, 4100


class TooManyConnections(Overloaded):
    code, title, status, close_code = "too_many_connections", "Too many connections", 503, 4101


class StorageUnavailable(Overloaded):
    code, title, status, close_code = "storage_unavailable", "Nothing can be kept right now", 503, 4100


class Damaged(StorageUnavailable):
    code, title, status, close_code = (
        "storage_unavailable",
        "What is kept of this session cannot be read",
        503,
        4100,
    )


class TooSlow(SessionMoodError):
    code, title, status, close_code = "too_slow", "This client does not read what it is sent", 503, 4102


class Draining(Overloaded):
    code, title, status, close_code = "draining", "This server is going away", 503, 4200


class Superseded(SessionMoodError):
    code, title, status, close_code = "superseded", "A newer connection took over", 409, 4202
