"""`python -m tests.template`: a migrated database in the ENTREPOT_HOME that is given, its server stopped again.

A run with several workers begins with it, while they still collect: each begins with a copy of its files.
"""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

TOLD_BY = "TEST_TEMPLATE"
"""The variable by which workers know where it is made."""


def begin(home: Path, database: str, settings: Mapping[str, str]) -> subprocess.Popen[bytes]:
    """Another process that makes it."""
    home.mkdir(mode=0o711)
    os.environ[TOLD_BY] = str(home)
    environment = os.environ | {"ENTREPOT_HOME": str(home), "ENTREPOT_DATABASE": database}
    with (home / "said").open("wb") as said, (home / "making").open("wb") as making:
        fcntl.flock(making, fcntl.LOCK_EX)
        return subprocess.Popen(
            [sys.executable, "-m", "tests.template", json.dumps(settings)],
            cwd=Path(__file__).parents[1], env=environment, stdout=said, stderr=said, pass_fds=[making.fileno()],
        )  # fmt: skip


def copy(home: Path, to: Path) -> None:
    """Its files, for a server that has none yet. The lock is held by whoever makes them, and gone with them."""
    with (home / "making").open("rb") as making:
        fcntl.flock(making, fcntl.LOCK_SH)
    done = home / "done"
    assert done.exists() and done.read_text() == "migrated", (home / "said").read_text()
    subprocess.run(["cp", "-a", home / "postgres", to], check=True)


def main(settings: Mapping[str, str]) -> None:
    import gc

    import django

    from entrepot import postgres
    from entrepot.cli import session

    gc.set_threshold(50_000, 20, 20)
    home, said = postgres.home(), ""
    try:
        with postgres.running_server(settings):
            postgres.ensure_database(postgres.database_name())
            django.setup()
            session.migrate()
        said = "migrated"
    finally:
        (home / "done").write_text(said)


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
