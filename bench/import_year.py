"""A real year of orders through the commands, in a process of its own: seconds and peak memory."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

FILE = Path(__file__).parents[2] / "shared/data/transactions/online_retail_2010-12_2011-08.csv.gz"


@dataclass
class Imported:
    seconds: float
    peak_rss_mb: float


def run() -> Imported:
    """All of `entrepot import online-retail`, from the start of its process to its end."""
    began = time.perf_counter()
    with subprocess.Popen(
        [
            sys.executable,
            "-m",
            "entrepot",
            "import",
            "online-retail",
            str(FILE),
            "--report",
            "json",
            "--database",
            "bench_year",
        ],
        stdout=subprocess.PIPE,
        text=True,
        env={
            name: value for name, value in os.environ.items() if name != "ENTREPOT_DB_ROLE"
        },  # it migrates first
    ) as process:
        assert process.stdout is not None
        report = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)  # the memory of this child alone
        process.returncode = os.waitstatus_to_exitcode(status)
    seconds = time.perf_counter() - began
    if process.returncode:
        raise RuntimeError(f"the import ended with {process.returncode}: {report[-500:]}")
    return Imported(seconds, usage.ru_maxrss / 1024)


def missing() -> str:
    """Why there is nothing to import; '' where there is."""
    from importlib.util import find_spec

    if find_spec("entrepot.channels.online_retail.importer") is None:
        return "entrepot has no importer"
    return "" if FILE.exists() else f"{FILE} is not there"
