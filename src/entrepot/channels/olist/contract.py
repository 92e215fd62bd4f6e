"""What is expected of a folder of Olist files, and what the house assumes that they don't say."""

from __future__ import annotations

SOURCE = "olist"
"""The inbox's name of these orders, and the code of the channel and the company that they come to."""

CURRENCY, COUNTRY = "BRL", "BR"

FILES: dict[str, tuple[str, ...]] = {
    "orders": (
        "order_id", "customer_id", "order_status", "order_purchase_timestamp", "order_approved_at",
        "order_delivered_carrier_date", "order_delivered_customer_date", "order_estimated_delivery_date",
    ),
    "order_items": ("order_id", "product_id", "seller_id", "shipping_limit_date", "price", "freight_value"),
    "order_payments": ("order_id", "payment_sequential", "payment_type", "payment_value"),
    "customers": (
        "customer_id", "customer_unique_id", "customer_zip_code_prefix", "customer_city", "customer_state",
    ),
    "products": (
        "product_id", "product_category_name", "product_weight_g", "product_length_cm", "product_height_cm",
        "product_width_cm",
    ),
}  # fmt: skip
"""Columns by file; others are passed over. A file is `olist_<name>`, `_dataset` or `_full` behind it or not, as CSV or
CSV packed with gzip."""

CANCELLED = {"canceled": "cancelled by the channel", "unavailable": "goods not available"}
"""Statuses whose orders are cancelled as soon as they are placed, with the reason."""

SENT = ("shipped", "delivered")

COST_SHARE = "0.80"
"""Of an offer's median price: what its seller is paid for it. The files know no costs."""

PAYMENT_DIFFERS_MAX = 1
"""Centavos by which payments may differ from what an order costs: prices and freight were rounded one by one."""

NODES: tuple[tuple[str, str, str, float, float], ...] = (
    ("SP", "São Paulo", "01001-000", -23.5505, -46.6333),
    ("RJ", "Rio de Janeiro", "20040-002", -22.9068, -43.1729),
    ("PE", "Recife", "50030-230", -8.0476, -34.8770),
)
"""Code, city, postal code, latitude, longitude; the first is preferred among equals."""

REGIONS: dict[str, tuple[str, ...]] = {
    "SP": ("SP", "PR", "SC", "RS", "MS", "MT"),
    "RJ": ("RJ", "MG", "ES", "DF", "GO"),
    "PE": ("PE", "BA", "SE", "AL", "PB", "RN", "CE", "PI", "MA", "PA", "AP", "AM", "RR", "AC", "RO", "TO"),
}
"""The states of the customers that each node is nearest to."""

NODE_OF_STATE: dict[str, str] = {state: node for node, states in REGIONS.items() for state in states}
