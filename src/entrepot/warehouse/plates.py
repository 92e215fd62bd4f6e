"""How a company numbers plates of its own. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from entrepot.kernel.shapes import shape


@shape("warehouse.plates", extension=(0, 9))
@dataclass(frozen=True, slots=True)
class PlatePolicy:
    """What the numbers (SSCC) of plates are made of that are built in the house; those of suppliers bear their own."""

    gs1_prefix: str = ""
    """The company prefix that GS1 gave, 4 to 12 digits; without one, plates are built with a given number only."""
    extension: int = 0
    """The digit in front of the prefix."""
