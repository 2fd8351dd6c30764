"""What the `websockets` package's own server does: each frame back as it is.

python -m benchmarks.peers.websockets_echo PORT
"""

import asyncio
import logging
import sys

import uvloop
from websockets.asyncio.server import ServerConnection, serve


async def _echo(socket: ServerConnection) -> None:
    async for message in socket:
        await socket.send(message)


async def main() -> None:
    logging.getLogger("websockets").setLevel(logging.CRITICAL)  # the load hangs up without a goodbye
    async with serve(_echo, "127.0.0.1", int(sys.argv[1]), compression=None, backlog=4096):
        await asyncio.get_running_loop().create_future()


if __name__ == "__main__":
    uvloop.run(main())
