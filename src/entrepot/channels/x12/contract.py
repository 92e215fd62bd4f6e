"""What is expected of suppliers that send X12: ship notices (856) and answers to orders (855), each interchange once.
Pure."""

from __future__ import annotations

SOURCE = "x12"
"""The inbox's name for interchanges."""

NOTICE, ANSWER = "856", "855"

NEW, CANCELLED, REPLACED = "00", "01", "05"
"""What a document is for: the first of its number, the end of that, what stands in its place."""
PURPOSES = (NEW, CANCELLED, REPLACED)
"""What a notice may be for (BSN01)."""

REJECTED = "IR"
REFUSED = ("ID", REJECTED)
"""What becomes of an item (SN108) that is not sent, and won't be: deleted, rejected. Of what is deleted the units
(SN102) have left, and no more come; of what is rejected none have, and units beside it are those that were asked
for."""

CARRIERS = (
    dict.fromkeys(("UPSN", "UPSM", "UPSS"), "UPS")
    | dict.fromkeys(("FDE", "FDEG", "FDEN", "FDXE", "FDXG", "FEDX"), "FedEx")
    | dict.fromkeys(("DHLC", "DHLE"), "DHL")
)
"""Carriers of parcels by their codes (SCAC), as whoever checks tracking numbers calls them."""

CONTENT_MAX = 1_000_000
"""Characters of a document."""

PIECES = ("EA", "PC", "UN")
"""Units of measure that are single units; of others the goods are named by the barcode of their case."""
