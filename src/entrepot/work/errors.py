"""What the room refuses."""

from __future__ import annotations

from entrepot.kernel.errors import Refused


class ClaimedByAnother(Refused):
    code = "work.claimed_by_another"
    says = "{owner} is working on item {item}. Ask them to put it back, or take another."
