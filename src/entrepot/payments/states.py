"""The life of a dispute, as a table. Pure."""

from __future__ import annotations

from entrepot.kernel.states import machine

DISPUTE = machine("dispute", "open", ("win", "open", "won"), ("lose", "open", "lost"))
"""The bank decides; what is open or lost can't be refunded as well."""
