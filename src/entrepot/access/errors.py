"""What the room refuses."""

from __future__ import annotations

from entrepot.kernel.errors import Refused


class DutiesApart(Refused):
    code = "access.duties_apart"
    kind = "forbidden"
    says = "{person} did the other part of {pair} on {document}, so {side} must be done by someone else."


class TooManyTries(Refused):
    code = "access.too_many_tries"
    kind = "forbidden"
    says = "There were too many tries. Wait {minutes} minutes, then try again."


class NoMailAddress(Refused):
    code = "access.no_mail_address"
    says = "{person} has no mail address that reports could go to. Ask an administrator to write one down."
