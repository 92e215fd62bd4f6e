"""Recorded orders decided anew against the recorded stock, which follows the choices made. Pure.

What customers asked for, what came in, what was lost and who cancelled is taken from the record; which node serves
which order, who waits and who is served when stock comes follows from the profile.
"""

from __future__ import annotations

from entrepot.simulation.replay.asking import Profiles, profile_of, ships_on, to_of
from entrepot.simulation.replay.record import (
    Asked,
    Change,
    Fate,
    Held,
    House,
    Paid,
    Preorder,
    Promised,
    Record,
    Rejection,
    Replayed,
    Share,
    Week,
)
from entrepot.simulation.replay.run import replay

__all__ = [
    "Asked",
    "Change",
    "Fate",
    "Held",
    "House",
    "Paid",
    "Preorder",
    "Profiles",
    "Promised",
    "Record",
    "Rejection",
    "Replayed",
    "Share",
    "Week",
    "profile_of",
    "replay",
    "ships_on",
    "to_of",
]
