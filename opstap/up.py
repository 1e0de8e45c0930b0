"""The system on one machine behind one HTTP port, until it is told to stop."""

import signal
import socket
from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path
from typing import Any

from chassis.app import server
from chassis.logs import configure
from opstap.postgres import HOST
from opstap.services import NAMES
from opstap.system import System

Show = Callable[[str, tuple[str, ...]], None]


class PortTakenError(RuntimeError):
    """Something else listens there."""


async def run_until_stopped(
    data: Path,
    port: int,
    civil_date: date | None,
    policies: Path,
    *,
    show: Show,
    settings: Mapping[str, Any] | None = None,
) -> None:
    """Serve until Ctrl-C or SIGTERM. FolderInUseError when another system runs on the folder."""
    signal.signal(signal.SIGTERM, signal.getsignal(signal.SIGINT))  # as Ctrl-C it lets us stop PostgreSQL first
    configure("WARNING", "opstap")
    door = listen(port)
    url = f"http://{HOST}:{door.getsockname()[1]}"
    system = System(data, policies=policies, url=url, civil_date=civil_date, settings=settings)
    try:
        await system.start()
        serving = server(system.app, host=HOST, port=port)
        serving.config.lifespan = "off"  # the services share one process: the system starts and stops what they run
        show(url, NAMES)
        await serving.serve(sockets=[door])
    finally:
        await system.stop()
        door.close()


def listen(port: int) -> socket.socket:
    """A socket on this machine only; 0 takes any free port. Who connects early waits for the answer."""
    door = socket.socket(proto=socket.IPPROTO_TCP)  # by its name asyncio knows that answers may not wait for more
    door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        door.bind((HOST, port))
    except OSError as error:
        raise PortTakenError(f"port {port} of this machine is taken") from error
    door.listen()
    return door
