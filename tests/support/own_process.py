"""`opstap up` as a process of its own, that can be killed."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import aiohttp

from opstap.postgres import EmbeddedPostgres, free_port
from opstap.services import NAMES
from tests.support.leash import Leash
from tests.support.waiting import eventually

DEMONSTRATION = {"OPSTAP_WEBHOOK_TIMEOUT": "0.5", "OPSTAP_WEBHOOK_ALLOWED_NETWORKS": '["127.0.0.0/8"]'}


@dataclass
class OneMachine:
    """`opstap up` as a process on a folder, always on the same port."""

    data: Path
    civil_date: date
    port: int = field(default_factory=free_port)
    process: asyncio.subprocess.Process | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        assert self.process
        return self.process.pid

    @property
    def postgres(self) -> EmbeddedPostgres:
        return EmbeddedPostgres(self.data / "postgres")

    async def start(self) -> None:
        self.process = await self.up()
        await eventually(self.answers, within=60)

    async def up(self) -> asyncio.subprocess.Process:
        command = ["-m", "opstap", "up", "--data", str(self.data), "--port", str(self.port)]
        return await asyncio.create_subprocess_exec(
            sys.executable, *command, "--civil-date", self.civil_date.isoformat(), env={**os.environ, **DEMONSTRATION},
            stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip

    async def answers(self) -> bool:
        try:
            async with (
                aiohttp.ClientSession() as session,
                session.get(f"{self.url}/{NAMES[-1]}/health/ready") as answer,
            ):
                return answer.ok
        except aiohttp.ClientError:
            return False

    async def kill(self, victim: str) -> None:
        if victim == "opstap":
            os.kill(self.pid, signal.SIGKILL)
            assert self.process
            await self.process.wait()
            await self.start()
        else:
            postmaster = self.postgres.postmaster()
            assert postmaster
            os.kill(postmaster.pid, signal.SIGKILL)
            await eventually(self.answers, within=60)

    async def stop(self) -> None:
        assert self.process
        if self.process.returncode is None:
            self.process.send_signal(signal.SIGINT)
        await self.process.wait()


@asynccontextmanager
async def one_machine(data: Path, civil_date: date) -> AsyncIterator[OneMachine]:
    """A system that runs, and is stopped in the end whatever happens."""
    machine = OneMachine(data, civil_date)
    await machine.start()
    leash = Leash(f"kill -9 {machine.pid}; kill -QUIT $(head -n 1 {machine.data}/postgres/cluster/postmaster.pid)")
    yield machine
    await machine.stop()
    leash.drop()
