"""A server that a test session started does not outlive it, even when the session is killed with -9."""

import subprocess


class Leash:
    """Runs a shell command once this process lets go of it or dies: a pipe that only we hold then closes."""

    def __init__(self, command: str) -> None:
        self._watcher = subprocess.Popen(
            ["sh", "-c", f"read -r _\n{command}"],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def let_go(self) -> None:
        """Run the command now and wait for it."""
        self._watcher.communicate()

    def drop(self) -> None:
        """Forget the command: what it would end has ended."""
        self._watcher.kill()
        self._watcher.communicate()
