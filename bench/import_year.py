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
    importing = (
        *("-m", "entrepot", "import", "online-retail", str(FILE)),
        *("--report", "json", "--database", "bench_year"),
    )
    done = subprocess.run(
        [sys.executable, "-c", _AND_ITS_PEAK, *importing],
        stdout=subprocess.PIPE, text=True, check=False,
        env={name: value for name, value in os.environ.items() if name != "ENTREPOT_DB_ROLE"},  # it migrates first
    )  # fmt: skip
    seconds = time.perf_counter() - began
    report, _, peak = done.stdout.rstrip().rpartition("\n")
    if done.returncode:
        raise RuntimeError(f"the import ended with {done.returncode}: {report[-500:]}")
    return Imported(seconds, int(peak) / 1024)


# What a process weighs before it becomes another program counts for its peak, so that whoever begins it must be small:
# this process has measured a million lines by now.
_AND_ITS_PEAK = """
import resource, subprocess, sys
done = subprocess.run([sys.executable, *sys.argv[1:]])
print("\\n%d" % resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
sys.exit(done.returncode)
"""


def missing() -> str:
    """Why there is nothing to import; '' where there is."""
    from importlib.util import find_spec

    if find_spec("entrepot.channels.online_retail.importer") is None:
        return "entrepot has no importer"
    return "" if FILE.exists() else f"{FILE} is not there"
