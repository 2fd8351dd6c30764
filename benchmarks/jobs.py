"""What the load process is told to do, and what it answers."""

import msgspec


class Target(msgspec.Struct):
    """A server to measure. `echo`: it sends frames back instead of acks; `pids`: whose CPU is counted, with that of
    all processes that these started."""

    port: int
    pids: list[int]
    key: str = ""
    echo: bool = False


class Stream(msgspec.Struct, tag=True):
    """Batches of `events` over `sockets` WebSockets, `window` of them in flight on each, for `seconds` after
    a warm-up. `every`: each asks for a reading with every batch."""

    target: Target
    sockets: int
    window: int
    events: int
    seconds: float
    warm_up: float = 0.5
    every: bool = False


class Post(msgspec.Struct, tag=True):
    """POSTs of `events` over `sockets` connections that stay open, one at a time on each."""

    target: Target
    sockets: int
    events: int
    seconds: float
    warm_up: float = 0.5


class Rates(msgspec.Struct, tag=True):
    """Of a Stream or a Post. `frames_per_second`: batches answered for good (acked, echoed, 200).
    `cpu_us`: the server's CPU time a batch; `client_cpu`: the load process's share of a processor."""

    frames_per_second: float
    cpu_us: float
    cpu_share: float
    client_cpu: float
    frame_bytes: int
    received_per_frame: float


class Moods(msgspec.Struct, tag=True):
    """Open loop: single events of `sessions` sockets at `rate` events a second, whatever the answers; each socket
    asks for a reading with every event."""

    target: Target
    sessions: int
    rate: float
    seconds: float
    warm_up: float = 1.0


class Pushed(msgspec.Struct, tag=True):
    """Of a Moods: ms from the intended moment of each event to its reading; `late`: the load process's own lag
    (ms, at the 99th percentile), `unanswered`: events that got no reading."""

    waits: list[float]
    late: float
    unanswered: int
    cpu_share: float
    client_cpu: float


class Latency(msgspec.Struct, tag=True):
    """One event at a time on one socket, `pause` seconds of quiet between."""

    target: Target
    samples: int
    pause: float = 0.004


class Waits(msgspec.Struct, tag=True):
    """Milliseconds from an event sent to its first answer and to its ack (echo: the same)."""

    first: list[float]
    ack: list[float]


class Hold(msgspec.Struct, tag=True):
    """`sockets` connections that said hello, sent one event and then are silent for `seconds`."""

    target: Target
    sockets: int
    seconds: float


class Held(msgspec.Struct, tag=True):
    """Of a Hold: resident memory before and after (bytes), seconds to open them all, CPU share while idle."""

    before: int
    after: int
    opened: int
    seconds: float
    open_cpu_us: float
    idle_cpu: float
    pings: int


class Storm(msgspec.Struct, tag=True):
    """Connections opened, greeted (hello, welcome) and closed, `parallel` at a time, for `seconds`."""

    target: Target
    parallel: int
    seconds: float


class Accepts(msgspec.Struct, tag=True):
    """Of a Storm."""

    per_second: float
    cpu_us: float
    client_cpu: float


Job = Stream | Post | Moods | Latency | Hold | Storm
Result = Rates | Pushed | Waits | Held | Accepts
