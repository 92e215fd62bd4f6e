"""The table, and the same as JSON."""

from __future__ import annotations

import json
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

RESULT = Path(__file__).with_name("result.json")


@dataclass
class Row:
    """One thing measured. `ratio` and `floor` are bars at once: the first of ours to the baseline, the second of ours.

    For a row whose unit is a cost (`less_is_better`), `floor` is a ceiling.
    """

    name: str
    unit: str
    ours: float | None
    baseline: float | None = None
    ratio: float | None = None
    bar: float | None = None
    floor: float | None = None
    less_is_better: bool = False
    note: str = ""
    rounds: dict[str, list[float]] = field(default_factory=dict)
    ok: bool | None = field(init=False)

    def __post_init__(self) -> None:
        if self.ours is None:
            self.ok = None
            return
        fast_enough = self.bar is None or (self.ratio is not None and self.ratio >= self.bar)
        within = self.floor is None or (
            self.ours <= self.floor if self.less_is_better else self.ours >= self.floor
        )
        self.ok = fast_enough and within


def compared(
    name: str,
    unit: str,
    ours: Sequence[float],
    baseline: Sequence[float],
    *,
    bar: float | None = None,
    floor: float | None = None,
) -> Row:
    """Medians of interleaved rounds; the ratio is the median of the ratios of the rounds."""
    ratios = [a / b for a, b in zip(ours, baseline, strict=True)]
    rounds = {"ours": list(ours), "baseline": list(baseline), "ratio": ratios}
    median = statistics.median
    return Row(name, unit, median(ours), median(baseline), median(ratios), bar, floor, rounds=rounds)


def write(rows: Sequence[Row], facts: dict[str, object]) -> None:
    RESULT.write_text(json.dumps({"rows": [asdict(row) for row in rows], **facts}, indent=2) + "\n")


def table(rows: Sequence[Row]) -> str:
    head = ("what", "ours", "by hand", "ratio", "must reach", "")
    lines = [head, *(_cells(row) for row in rows)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(head))]
    texts = [
        "  ".join(
            cell.ljust(width) if i in (0, 5) else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(line, widths, strict=True))
        )
        for line in lines
    ]
    return "\n".join([texts[0], "-" * sum(widths, 2 * len(widths) - 2), *texts[1:]])


def _cells(row: Row) -> tuple[str, ...]:
    if row.ours is None:
        return (row.name, "", "", "", "", f"skipped: {row.note}")
    bars = [f"{row.bar:.2f}"] if row.bar is not None else []
    if row.floor is not None:
        bars.append(f"{'≤' if row.less_is_better else '≥'} {_number(row.floor)} {row.unit}")
    ratio = ""
    if row.ratio is not None:
        low, high = min(row.rounds["ratio"]), max(row.rounds["ratio"])
        ratio = f"{row.ratio:.2f} ({low:.2f} to {high:.2f})"
    baseline = _number(row.baseline) if row.baseline is not None else ""
    return (
        row.name,
        f"{_number(row.ours)} {row.unit}",
        baseline,
        ratio,
        ", ".join(bars),
        "ok" if row.ok else "TOO SLOW",
    )


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 10 else f"{value:.2f}"
