"""`python -m tests.template`: a migrated database in the ENTREPOT_HOME that is given, its server stopped again.

A run with several workers begins with it, while they still collect: each begins with a copy of its files.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

TOLD_BY = "TEST_TEMPLATE"
"""The variable by which workers know where it is made."""
PATIENCE_S = 600


def begin(home: Path, database: str, settings: Mapping[str, str]) -> subprocess.Popen[bytes]:
    """Another process that makes it."""
    home.mkdir(mode=0o711)
    os.environ[TOLD_BY] = str(home)
    environment = os.environ | {"ENTREPOT_HOME": str(home), "ENTREPOT_DATABASE": database}
    with (home / "said").open("wb") as said:
        return subprocess.Popen(
            [sys.executable, "-m", "tests.template", json.dumps(settings)],
            cwd=Path(__file__).parents[1], env=environment, stdout=said, stderr=said,
        )  # fmt: skip


def copy(home: Path, to: Path) -> None:
    """Its files, as soon as they are there, for a server that has none yet."""
    until = time.monotonic() + PATIENCE_S
    while not (home / "done").exists():
        assert time.monotonic() < until, f"nothing in {home} after {PATIENCE_S} s"
        time.sleep(0.1)
    assert (home / "done").read_text() == "migrated", (home / "said").read_text()
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
        (home / "telling").write_text(said)
        (home / "telling").rename(home / "done")


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
