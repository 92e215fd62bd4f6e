"""What this room refuses."""

from __future__ import annotations

from entrepot.kernel.errors import Refused


class NothingDecided(Refused):
    code = "simulation.nothing_decided"
    says = "No order was decided from {since} to {until}. {hint}"
