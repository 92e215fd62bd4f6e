"""The life of a shipment, as a table. Pure."""

from __future__ import annotations

from entrepot.kernel.states import machine

SHIPMENT = machine("shipment", "shipped", ("deliver", "shipped", "delivered"))
