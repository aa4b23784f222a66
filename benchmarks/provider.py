"""A provider in a process of its own for `benchmarks.oauth`: answers token and user-info requests as fast as Python can.

Every code is good, and its owner is whom the code names. `python -m benchmarks.provider PORT_FILE` serves until its input closes.
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from urllib.parse import parse_qs


class _Provider(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._buffer = b""

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, separator, body = self._buffer.partition(b"\r\n\r\n")
        lower = head.lower()
        at = lower.find(b"content-length:")
        length = int(lower[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
        if not separator or len(body) < length:
            return
        self._buffer = b""
        answer = json.dumps(_tokens(body) if head.startswith(b"POST") else _profile(lower)).encode()
        self._transport.write(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(answer) + answer)


def _tokens(body: bytes) -> dict[str, object]:
    form = parse_qs(body.decode())
    name = (form.get("code") or form["refresh_token"])[0]
    return {"access_token": name, "token_type": "Bearer", "expires_in": 3600, "refresh_token": f"refresh-{name}"}


def _profile(head: bytes) -> dict[str, object]:
    name = head.partition(b"authorization: bearer ")[2].split(b"\r\n", 1)[0].decode()
    return {"id": name, "username": name, "global_name": "Ada", "avatar": None, "email": f"{name}@example.com", "verified": True}


async def main(port_file: Path) -> None:
    """Serves until standard input closes."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(_Provider, "127.0.0.1", 0)
    port_file.with_suffix(".new").write_text(str(server.sockets[0].getsockname()[1]))
    port_file.with_suffix(".new").replace(port_file)
    await loop.run_in_executor(None, sys.stdin.read)
    server.close()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
