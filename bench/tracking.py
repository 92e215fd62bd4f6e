"""Published tracking numbers: all valid ones recognized, all invalid ones refused."""

from __future__ import annotations

import json
from pathlib import Path

COURIERS = Path(__file__).parents[2] / "shared/data/tracking/couriers"
OURS = {
    "landmark.json": "landmark", "canadapost.json": "canada post", "old_dominion.json": "old dominion",
    "s10.json": "post", "speedee.json": "spee-dee",
}  # fmt: skip
"""Files whose carrier the table calls otherwise than the file is called."""


def published(kind: str) -> list[tuple[str, str]]:
    """(carrier, number) of the numbers that the public collection calls valid, or invalid for that carrier; none where
    the collection is not there."""
    found = []
    for path in sorted(COURIERS.glob("*.json")) if COURIERS.exists() else []:
        carrier = OURS.get(path.name, path.stem)
        for form in json.loads(path.read_text())["tracking_numbers"]:
            found += [(carrier, number) for number in form["test_numbers"].get(kind, ())]
    return found


def misjudged() -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """Valid numbers that were not recognized as their carrier's, and invalid ones that were."""
    from entrepot.carriage.tracking import read

    return (
        [one for one in published("valid") if one[0] not in read(one[1]).carriers],
        [one for one in published("invalid") if one[0] in read(one[1]).carriers],
    )
