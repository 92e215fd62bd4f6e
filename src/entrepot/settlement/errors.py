"""What settlement refuses."""

from __future__ import annotations

from entrepot.kernel.errors import Refused


class DoesNotAddUp(Refused):
    code = "settlement.does_not_add_up"
    kind = "invalid"
    says = (
        "Payout {external_id}: its lines make {found} minor units after fees, it says {expected}."
        " Ask the provider for the whole report."
    )


class NotALine(Refused):
    code = "settlement.not_a_line"
    kind = "invalid"
    says = "Payout {external_id}: {field}: expected {expected}, found {found}."
