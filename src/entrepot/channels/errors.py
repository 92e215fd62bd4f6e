"""What channels refuse."""

from __future__ import annotations

from entrepot.kernel.errors import Refused


class NoMend(Refused):
    """A difference that no command can end by itself."""

    code = "channels.no_mend"
    says = "{difference} of {name}: only a person can say which side is right. Mend it there or here, and explain it."


class X12Unreadable(Refused):
    """A document, or a notice in it, that can't be taken as it stands."""

    code = "channels.x12_unreadable"
    kind = "invalid"
    says = (
        "Segment {segment} ({name}): expected {expected}, found {found}. Nothing of it is taken. Ask the supplier to"
        " send it again, mended."
    )


class ControlNumberUsed(Refused):
    code = "channels.control_number_used"
    says = (
        "Interchange {control} of {sender} came before with other content, or was mended here. Ask the supplier to give"
        " each interchange a number of its own."
    )


class InterchangeDropped(Refused):
    code = "channels.interchange_dropped"
    says = (
        "Interchange {control} of {sender} was dropped here, so that it has no effect. Ask the supplier to send it"
        " anew, under another control number."
    )


class WebhookNamed(Refused):
    code = "channels.webhook_named"
    says = "There is a webhook named {name} already. Choose another name, or change that one."


class NoX12Partner(Refused):
    code = "channels.no_x12_partner"
    says = (
        "Supplier {supplier} is sent no X12 documents: the policy channels.x12 has no numbers for the envelope. Set it"
        " for the supplier's code, or send the order by mail."
    )
