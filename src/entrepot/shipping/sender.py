"""Who sends, as carriers and customs are told."""

from __future__ import annotations

from dataclasses import dataclass

from entrepot.kernel.shapes import shape


@shape("shipping.sender")
@dataclass(frozen=True, slots=True)
class Sender:
    """Who sends, as it stands on labels and customs papers: of all nodes, or of one by its code as scope.

    `eori`: the number under which customs know the sender. `goods_origin`: the country where the goods were made.
    `terms`: who pays duties, as Incoterms say it.
    """

    name: str = ""
    line1: str = ""
    line2: str = ""
    city: str = ""
    region: str = ""
    phone: str = ""
    eori: str = ""
    goods_origin: str = ""
    terms: str = "DAP"
