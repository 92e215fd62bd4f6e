"""Set up the cartons that a retailer packs in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from entrepot.catalog.register import Register, put, sieve, tell
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import command
from entrepot.kernel.errors import Refused
from entrepot.warehouse import rules
from entrepot.warehouse.rules import RegisterCarton

__all__ = ["CartonRegistered", "RegisterCarton", "register_cartons"]


@dataclass(frozen=True, slots=True)
class CartonRegistered:
    id: UUID
    code: str


@command("warehouse.register_cartons")
def register_cartons(
    cause: Cause, /, *, requests: Sequence[RegisterCarton]
) -> list[CartonRegistered | Refused]:
    """Cartons by company and code, new or changed to stand as given. What was packed in one keeps its measures.

    Locks: the cartons that exist, in the order of company and code.
    Refuses: Invalid (a field that is not as it must be).
    Again: what stands already is left alone, with or without a key. 2 statements.
    """
    refused, fit = sieve(requests, map(rules.misfit, requests))
    names = {place: (one.company, one.code) for place, one in fit}
    standing = put(
        _CARTONS, ((names[place], tuple(getattr(one, name) for name in _CARTONS.rest)) for place, one in fit)
    )

    tell(cause, _CARTONS, {name: name[0] for name in standing}, standing)
    return [
        refused.get(place) or CartonRegistered(standing[names[place]].id, one.code)
        for place, one in enumerate(requests)
    ]


_CARTONS = Register(
    "warehouse_carton",
    ("company_id", "code"),
    ("length_mm", "width_mm", "height_mm", "max_weight_g", "tare_g", "cost_minor", "active", "outer_length_mm",
     "outer_width_mm", "outer_height_mm"),
    kind="carton",
)  # fmt: skip
