"""What is expected of an Online Retail file."""

from __future__ import annotations

SOURCE = "online-retail"
"""The inbox's name of these messages, and the code of the channel that their orders come by."""

COLUMNS = (
    "InvoiceNo",
    "StockCode",
    "Description",
    "Quantity",
    "InvoiceDate",
    "UnitPrice",
    "CustomerID",
    "Country",
)
"""The header, in any order; other columns are passed over."""

DATE_FORMATS = ("%m/%d/%Y %H:%M", "%m/%d/%Y %H:%M:%S")
"""Beside ISO 8601: how spreadsheets write the published data. A time without a zone is UTC."""

QUANTITY_MAX = 2_147_483_647
PRICE_DIGITS_MAX, PRICE_DECIMALS_MAX = 12, 6

COST_SHARE = "0.45"
"""Of a SKU's median price in the file: what the supplier is paid for it. The file knows no costs."""

TIGHT_PERCENT = 95
"""Of a purchase order that comes at once under `--stock tight`; the rest comes with the next week's."""
