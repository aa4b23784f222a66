"""A mail server that takes everything and keeps nothing, in a process of its own: as little work per message as a receiver can have.

`python -m benchmarks.mail_sink PORT_FILE` writes its port into the file and counts messages; each line on stdin is answered by the count.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path


class Sink(asyncio.Protocol):
    """One connection."""

    taken = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Greets."""
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.buffer = b""
        self.in_text = False
        transport.write(b"220 sink\r\n")

    def data_received(self, data: bytes) -> None:
        """Answers every command, and the end of every text."""
        self.buffer += data
        while True:
            end = b"\r\n.\r\n" if self.in_text else b"\r\n"
            taken, found, rest = self.buffer.partition(end)
            if not found:
                return
            self.buffer = rest
            if self.in_text:
                self.in_text = False
                Sink.taken += 1
                self.transport.write(b"250 taken\r\n")
            elif taken[:4].upper() == b"DATA":
                self.in_text = True
                self.transport.write(b"354 go on\r\n")
            elif taken[:4].upper() == b"QUIT":
                self.transport.write(b"221 bye\r\n")
                self.transport.close()
            else:
                self.transport.write(b"250 ok\r\n")


async def main(port_file: Path) -> None:
    """Runs until stdin ends."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Sink, "127.0.0.1", 0)
    port_file.with_suffix(".new").write_text(str(server.sockets[0].getsockname()[1]))
    port_file.with_suffix(".new").replace(port_file)
    while await loop.run_in_executor(None, sys.stdin.readline):
        print(Sink.taken, flush=True)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
