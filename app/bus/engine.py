"""One Valkey or Redis, or a cluster of them: who has which channel, and how to reach it."""

import asyncio
import contextlib
import math
from collections.abc import Iterable, Iterator
from typing import Any, Final, cast

from redis.asyncio import Redis, RedisCluster
from redis.asyncio.connection import AbstractConnection
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as Unreachable
from redis.exceptions import ResponseError

#: Seconds that connecting, and one pipeline of commands, may take.
CONNECT_WITHIN: Final = 2.0
ANSWER_WITHIN: Final = 2.0
#: Seconds until a task that has not ended is cancelled again.
_CANCEL_AGAIN: Final = 0.5


def _options() -> dict[str, Any]:
    """Nothing is tried again below us: who calls knows better whether it still matters. RESP2 suffices, and tells
    messages from answers without a hook."""
    return {
        "socket_connect_timeout": CONNECT_WITHIN,
        "socket_timeout": ANSWER_WITHIN,
        "health_check_interval": 0,
        "protocol": 2,
    }


class Engine:
    """What stands behind REDIS_URL."""

    def __init__(self, client: "Redis | RedisCluster") -> None:
        self.client = client

    @classmethod
    async def open(cls, url: str) -> "Engine":
        """Connect. Raises RedisError or OSError."""
        single = Redis.from_url(
            url, retry=Retry(NoBackoff(), 0), single_connection_client=False, **_options()
        )
        try:
            with on_the_line():
                info = await single.info("cluster")
        except ResponseError:  # not every provider lets one ask
            info = {}
        except BaseException:
            await single.aclose()
            raise
        if not info.get("cluster_enabled"):
            return cls(single)
        await single.aclose()
        cluster = RedisCluster.from_url(url, retry=Retry(NoBackoff(), 1), **_options())
        try:
            with on_the_line():
                await cluster.initialize()
        except BaseException:
            await cluster.aclose()
            raise
        return cls(cluster)

    @property
    def is_cluster(self) -> bool:
        return isinstance(self.client, RedisCluster)

    def owner(self, channel: str) -> str:
        """The name of the node that has `channel`. Raises RedisError while nobody has it."""
        if isinstance(self.client, RedisCluster):
            node = self.client.get_node_from_key(channel)
            return "" if node is None else str(node.name)
        return ""

    def connection(self, owner: str) -> AbstractConnection:
        """A connection to that node for messages alone, not yet open."""
        if isinstance(self.client, RedisCluster):
            node = cast(Any, self.client.get_node(node_name=owner))
            return cast(AbstractConnection, node.connection_class(**node.connection_kwargs))
        return cast(AbstractConnection, cast(Any, self.client.connection_pool).make_connection())

    async def run(self, commands: list[tuple[Any, ...]]) -> list[Any]:
        """The answers of many commands, sent together; one may be an exception. Raises RedisError, OSError."""
        pipeline: Any = (
            self.client.pipeline()
            if isinstance(self.client, RedisCluster)
            else self.client.pipeline(transaction=False)
        )
        for command in commands:
            pipeline.execute_command(*command)
        with on_the_line():
            return list(await pipeline.execute(raise_on_error=False))

    async def close(self) -> None:
        await self.client.aclose()
        await asyncio.sleep(0)  # the lines end in the next turn of the loop


@contextlib.contextmanager
def on_the_line() -> Iterator[None]:
    """Raises redis-py's ConnectionError where uvloop says RuntimeError: something was sent on a line that had ended."""
    try:
        yield
    except RuntimeError as error:
        if "the handler is closed" not in str(error):
            raise
        raise Unreachable("the line has ended") from error


async def connect(connection: AbstractConnection) -> None:
    with on_the_line():
        await cast(Any, connection).connect()


async def send(connection: AbstractConnection, commands: list[Any]) -> None:
    """Send commands and wait for no answer. Raises RedisError, OSError."""
    with on_the_line():
        packed = cast(Any, connection).pack_commands(commands)
        await cast(Any, connection).send_packed_command(packed, check_health=False)


async def read(connection: AbstractConnection, within: float = math.inf) -> Any:
    """The next message of a connection that listens; None when none came within that many seconds."""
    return await connection.read_response(timeout=within, disconnect_on_error=False, push_request=True)


async def end(tasks: "Iterable[asyncio.Task[Any]]") -> None:
    """Cancel `tasks` until all have ended. Once is not enough: `asyncio.wait_for`, with which redis-py sends, loses a
    cancellation that comes as its own work is done (Python 3.11)."""
    tasks = list(tasks)
    pending = {task for task in tasks if not task.done()}
    while pending:
        for task in pending:
            task.cancel()
        _, pending = await asyncio.wait(pending, timeout=_CANCEL_AGAIN)
    for task in tasks:
        if not task.cancelled():
            task.exception()  # whoever ends them does not ask why they ended
