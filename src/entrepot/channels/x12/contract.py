"""What is expected of suppliers that send X12: ship notices (856), each interchange once. Pure."""

from __future__ import annotations

SOURCE = "x12"
"""The inbox's name for interchanges."""

NOTICE = "856"

CONTENT_MAX = 1_000_000
"""Characters of a document."""

PIECES = ("EA", "PC", "UN")
"""Units of measure that are single units; of others the goods are named by the barcode of their case."""
