"""Keys made by the command line."""

from typing import Any

import httpx2
import msgspec

from tests.support.server import ServerProcess


def make(server: ServerProcess, sk: str | None = None, **fields: Any) -> dict[str, Any]:
    answer = httpx2.post(f"{server.base}/v1/keys", json=fields, headers={"x-api-key": sk or server.sk})
    assert answer.status_code == 201, answer.text
    return msgspec.json.decode(answer.content, type=dict[str, Any])
