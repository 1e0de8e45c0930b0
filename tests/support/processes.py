"""Programs of ours that a test runs as processes of the machine."""

import asyncio
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.support.leash import Leash

COMPILED = Path(__file__).parents[2] / ".tools" / "pycache"
"""What Python compiles for them is kept here, whatever the environment says: what was killed is to be back at once."""
SECONDS_TO_STOP = 30.0
LAST_WORDS = 4000


class Process:
    """One program, which does not outlive the tests; what it writes goes to a file, also over a restart."""

    def __init__(self, name: str, command: Sequence[str], environment: Mapping[str, str], log: Path) -> None:
        self.name, self.command, self.environment, self.log = name, list(command), dict(environment), log
        self._process: subprocess.Popen[bytes] | None = None
        self._leash: Leash | None = None

    @property
    def pid(self) -> int:
        if self._process is None:
            raise RuntimeError(f"{self.name} does not run")
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        """How it ended; None while it runs, or when it was stopped or killed by us."""
        return self._process.poll() if self._process else None

    def start(self) -> None:
        if self._process is not None:
            raise RuntimeError(f"{self.name} runs already")
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self.command,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._leash = Leash(f"kill -KILL {self._process.pid}")

    def kill(self) -> None:
        """End it as `kill -9` does."""
        self._end(signal.SIGKILL)

    async def stop(self) -> None:
        """Stop it in good order; nothing happens when it does not run."""
        await asyncio.to_thread(self._end, signal.SIGTERM)

    async def run(self) -> None:
        """Run it to its end, which must be a good one."""
        self.start()
        assert self._process
        code = await asyncio.to_thread(self._process.wait)
        self._end(signal.SIGTERM)
        assert code == 0, f"{self.name} ended with {code}:\n{self.last_words()}"

    def last_words(self) -> str:
        return self.log.read_text(errors="replace")[-LAST_WORDS:] if self.log.exists() else ""

    def _end(self, how: signal.Signals) -> None:
        if self._process is None or self._leash is None:
            return
        self._process.send_signal(how)
        try:
            self._process.wait(SECONDS_TO_STOP)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._leash.drop()
        self._process = self._leash = None
