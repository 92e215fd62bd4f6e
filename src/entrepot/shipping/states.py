"""The life of a shipment, as a table. Pure."""

from __future__ import annotations

from entrepot.kernel.states import machine

SHIPMENT = machine("shipment", "shipped", ("deliver", "shipped", "delivered"))

LABEL = machine("label", "printed", ("void", "printed", "voided"), ("manifest", "printed", "manifested"))
