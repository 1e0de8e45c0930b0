"""A real Apache Kafka without Docker: one KRaft node from its published jars.

To have one by hand: `python -m tests.support.kafka --data-dir /tmp/kafka`.
"""

import argparse
import base64
import fcntl
import hashlib
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Self

from opstap.postgres import free_port
from tests.support.leash import Leash

HERE = Path(__file__).parent / "kafka-broker"
TOOLS = Path(__file__).parents[2] / ".tools" / "kafka"
CLUSTER_ID = base64.urlsafe_b64encode(b"opstap-test-node").decode().rstrip("=")
JAVA = ("java", "-Xms256m", "-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")
STARTED = "Kafka Server started"
SECONDS_TO_START = 60.0


class KafkaUnavailableError(RuntimeError):
    """This machine cannot run Apache Kafka; the message says what is missing."""


def fetch_jars() -> Path:
    """The folder with the broker's jars, fetched by Maven once for each version of the pom."""
    if shutil.which("java") is None:
        raise KafkaUnavailableError("Apache Kafka needs java (17 or later) on the PATH")
    pom = HERE / "pom.xml"
    jars = TOOLS / hashlib.sha256(pom.read_bytes()).hexdigest()[:12]
    TOOLS.mkdir(parents=True, exist_ok=True)
    with (TOOLS / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not jars.exists():
            _fetch(pom, jars)
    return jars


def _fetch(pom: Path, jars: Path) -> None:
    """Fetch beside the place and move there when whole."""
    if shutil.which("mvn") is None:
        raise KafkaUnavailableError("the jars of Apache Kafka are fetched with mvn, which is not on the PATH")
    half = jars.with_suffix(".part")
    shutil.rmtree(half, ignore_errors=True)
    goal = ["dependency:copy-dependencies", f"-DoutputDirectory={half}", "-DincludeScope=runtime"]
    done = subprocess.run(["mvn", "-q", "-B", "-f", str(pom), *goal], capture_output=True, text=True, check=False)
    if done.returncode:
        raise KafkaUnavailableError(f"Maven could not fetch the jars of Apache Kafka:\n{done.stdout}{done.stderr}")
    half.rename(jars)


class KafkaBroker:
    """One broker on one folder; it keeps its ports and its records over `kill()` and `start()`.

    All of it blocks; beside a running event loop call it through `asyncio.to_thread`.
    """

    def __init__(self, data_folder: Path) -> None:
        self.data_folder = data_folder.resolve()
        self.log = self.data_folder / "broker.log"
        self._port = free_port()
        self._controller_port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self._leash: Leash | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def bootstrap(self) -> str:
        """The address that clients are given."""
        return f"127.0.0.1:{self._port}"

    @property
    def pid(self) -> int:
        """The broker's process."""
        if self._process is None:
            raise RuntimeError("the broker does not run")
        return self._process.pid

    def start(self) -> None:
        """Start the broker and wait until it serves."""
        if self._process is not None:
            raise RuntimeError("the broker runs already")
        jars = fetch_jars()
        self._format(jars)
        with self.log.open("ab") as log:
            before = log.tell()
            self._process = subprocess.Popen(
                self._java(jars, "kafka.Kafka", str(self._properties)),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._leash = Leash(f"kill -KILL {self._process.pid}")
        self._wait_until_started(self._process, before)

    def stop(self) -> None:
        """Stop the broker in good order; nothing happens when it does not run."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End the broker as `kill -9` does."""
        self._end(signal.SIGKILL)

    def restart(self) -> None:
        """Stop in good order and start again on the same ports."""
        self.stop()
        self.start()

    @property
    def _properties(self) -> Path:
        return self.data_folder / "server.properties"

    def _format(self, jars: Path) -> None:
        self.data_folder.mkdir(parents=True, exist_ok=True)
        records = self.data_folder / "records"
        self._properties.write_text(self._settings(records))
        if not (records / "meta.properties").exists():
            options = ("format", "-t", CLUSTER_ID, "-c", str(self._properties), "--ignore-formatted")
            command = self._java(jars, "kafka.tools.StorageTool", *options)
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode:
                raise RuntimeError(f"Kafka could not format {records}:\n{done.stdout}{done.stderr}")

    def _settings(self, records: Path) -> str:
        """The last two make a killed broker come back in 5 seconds and not 13, when the dead one is given up."""
        controller = f"127.0.0.1:{self._controller_port}"
        return f"""
            process.roles=broker,controller
            node.id=1
            controller.quorum.voters=1@{controller}
            listeners=PLAINTEXT://{self.bootstrap},CONTROLLER://{controller}
            advertised.listeners=PLAINTEXT://{self.bootstrap}
            controller.listener.names=CONTROLLER
            listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT
            inter.broker.listener.name=PLAINTEXT
            log.dirs={records}
            offsets.topic.replication.factor=1
            offsets.topic.num.partitions=4
            transaction.state.log.replication.factor=1
            transaction.state.log.min.isr=1
            group.initial.rebalance.delay.ms=0
            auto.create.topics.enable=false
            broker.session.timeout.ms=2000
            broker.heartbeat.interval.ms=500
        """

    def _java(self, jars: Path, main: str, *arguments: str) -> list[str]:
        logging = f"-Dlog4j2.configurationFile={HERE / 'log4j2.properties'}"
        return [*JAVA, logging, "-cp", f"{jars}/*", main, *arguments]

    def _wait_until_started(self, process: subprocess.Popen[bytes], before: int) -> None:
        deadline = time.monotonic() + SECONDS_TO_START
        while STARTED not in (said := self.log.read_bytes()[before:].decode(errors="replace")):
            if process.poll() is not None or time.monotonic() > deadline:
                self.kill()
                raise RuntimeError(f"the Kafka broker did not start:\n{said[-3000:]}")
            time.sleep(0.05)

    def _end(self, how: signal.Signals) -> None:
        if self._process is None or self._leash is None:
            return
        self._process.send_signal(how)
        self._process.wait()
        self._leash.drop()
        self._process = self._leash = None


def main() -> None:
    """Run a broker until Ctrl-C."""
    parser = argparse.ArgumentParser(prog="python -m tests.support.kafka", description=main.__doc__)
    parser.add_argument("--data-dir", type=Path, required=True, help="where its records are kept")
    for stop in (signal.SIGINT, signal.SIGTERM):  # a shell's background jobs begin with the first ignored
        signal.signal(stop, signal.default_int_handler)
    with KafkaBroker(parser.parse_args().data_dir) as broker:
        sys.stdout.write(f"{broker.bootstrap}\n")
        sys.stdout.flush()
        try:
            signal.pause()
        except KeyboardInterrupt:
            return


if __name__ == "__main__":
    main()
