"""What the settings choose: the model, the storage, the bus, and what goes with them."""

from collections.abc import Callable
from pathlib import Path

from app.auth.sharing import Sharing
from app.bus import Bus
from app.bus.local import LocalBus
from app.clock import Clock
from app.config.model_file import BadModel, read_overrides, served_numbers
from app.config.settings import BadSetting, Settings
from app.ingest.conflicts import Conflicts
from app.ingest.shadow import Shadow
from app.mood import DEFAULT, Model
from app.storage import Storage
from app.storage.sqlite.database import SQLiteStorage


def model_of(settings: Settings) -> Model:
    """The shipped model with the operator's numbers. Raises BadSetting for a file that can't be used."""
    return _with_numbers(settings, "SESSIONMOOD_MODEL", settings.model)


def storage_of(settings: Settings) -> Storage:
    """Where the server keeps everything, not yet open."""
    if settings.on_postgres:
        # here, since its driver costs a tenth of the start of a server that has no use for it
        from app.storage.postgres.database import PostgresStorage

        return PostgresStorage(settings.database_url, server="node" if settings.redis_url else "sole")
    return SQLiteStorage(settings.sqlite_path, sole=True)


def bus_of(settings: Settings, clock: Clock) -> Bus:
    """How nodes tell each other the news, not yet started."""
    if settings.redis_url:
        # here, since its driver costs half of the start of a server that has no use for it
        from app.bus.valkey import ValkeyBus

        return ValkeyBus(settings.redis_url, clock)
    return LocalBus()


def sharing_of(settings: Settings, bus: Bus) -> Sharing | None:
    """The limits that nodes share, where there may be several."""
    if not settings.redis_url:
        return None

    def nodes() -> tuple[int, bool]:
        state = bus.state()
        return state.nodes, state.up

    return Sharing(bus.node, bus.evaluate, nodes)


def shadow_of(settings: Settings) -> Shadow | None:
    """The candidate model to run beside the live one, if one is set. Raises BadSetting."""
    if not settings.shadow_model:
        return None
    return Shadow(_with_numbers(settings, "SESSIONMOOD_SHADOW_MODEL", settings.shadow_model))


def _with_numbers(settings: Settings, name: str, path: str) -> Model:
    try:
        numbers = read_overrides(Path(path)) if path else {}
        return DEFAULT.with_overrides(served_numbers(settings, numbers))
    except (BadModel, ValueError) as error:
        raise BadSetting(f"{name}: {error}") from None


def node_gauges(bus: Bus, conflicts: Conflicts) -> dict[str, tuple[str, Callable[[], float]]]:
    """What `/metrics` tells of the bus and of other nodes; nothing where there are none."""
    if isinstance(bus, LocalBus):
        return {}
    return {
        "sessionmood_bus_up": ("1 while news of other nodes come", lambda: float(bus.state().up)),
        "sessionmood_bus_nodes": ("nodes that are alive, this one among them", lambda: bus.state().nodes),
        "sessionmood_bus_listening": ("sessions whose notices are wanted", lambda: bus.state().listening),
        "sessionmood_bus_published": ("notices sent since the start", lambda: bus.state().published),
        "sessionmood_bus_received": ("notices received since the start", lambda: bus.state().received),
        "sessionmood_bus_waiting": ("notices that could not be sent yet", lambda: bus.state().waiting),
        "sessionmood_bus_reconnects": ("tries to reach the bus again", lambda: bus.state().reconnects),
        "sessionmood_conflicts": (
            "how often a session was read again, because another node had gone on with it",
            lambda: conflicts.count,
        ),
        "sessionmood_conflicts_given_up": (
            "batches nacked because other nodes wrote to their session all the time",
            lambda: conflicts.given_up,
        ),
    }
