"""The benchmark runs, and both of its sides do the same."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.timeout(400)
@pytest.mark.slow  # more than a minute of both cores
def test_quick_round_ends_with_a_table_and_json():
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ENTREPOT_")}

    done = subprocess.run(
        [sys.executable, "-m", "bench", "--quick"], cwd=ROOT, env=environment, capture_output=True, text=True
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert "the whole walk" in done.stdout
    rows = json.loads((ROOT / "bench/result.json").read_text())["rows"]
    assert [set(row) >= {"name", "ours", "baseline", "ratio", "bar", "ok"} for row in rows] == [True] * 37
