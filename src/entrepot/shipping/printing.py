"""What labels are printed with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from entrepot.kernel.shapes import shape


@shape("shipping.labels")
@dataclass(frozen=True, slots=True)
class Labels:
    """In which form the labels of carriers are bought: of all nodes, or of one by its code as scope.

    `format`: `pdf` for a printer of sheets, `zpl` for a label printer that understands it.
    """

    format: Literal["pdf", "zpl"] = "pdf"
