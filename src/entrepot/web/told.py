"""Refusals as customers read them: in their words, about their things, and with nothing of the house in them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from entrepot.kernel.errors import Refused, Said
from entrepot.returns import photos
from entrepot.web import reasons, words

OTHERWISE = _("We can't do this here. Write to us: we see to it.")
"""Of what no customer can mend."""

SAYS: dict[str, Promise] = {
    "access.too_many_tries": _("There were too many tries. Wait {minutes} minutes, then try again."),
    "returns.more_than_sold": _("Of {line} you can send back {left} more, and chose {wanted}. Choose fewer."),
    "returns.too_late": _(
        "It is too late to send this back: {since}, and we take things back for {window} days."
    ),
    "returns.not_allowed": _("{sku} can't be sent back: {why}."),
    "returns.not_offered": _("For {sku} you can choose: {offered}."),
    "returns.several_nodes": _("These things go to different places. Send them back one after the other."),
    "returns.no_customer": _("There is no store credit for this order. Choose your money back."),
    "returns.not_exchangeable": _("What you chose is not to be had any more. Choose something else."),
    "returns.too_many_photos": _("You can send us {most} photos of a return at most."),
    "returns.label_in_doubt": _("We look into your label: it is not certain yet. You need not do anything."),
    "returns.no_label": _("We send no label for this return: you send it with a carrier of your choice."),
    "returns.not_carried_back": _("We can't make the label here. Write to us: we send it to you."),
    "returns.not_in_one_parcel": _("These returns can't come in one parcel. Send each by itself."),
    "kernel.wrong_state": _(
        "This can't be changed any more: your return has come further. See below how far it is."
    ),
    "kernel.not_found": _("We don't find this any more. Begin again with your order."),
}
"""By code. What stands not in here is told as `OTHERWISE`."""

INVALID: dict[str, Promise] = {
    "photo": _(
        "A photo can't be used: send a JPEG, PNG or WebP of {mb} MB and {pixels} million pixels at most."
    ),
    "reason": _("Choose why you send it back."),
    "quantity": _("Choose how many you send back."),
    "tracking": _("Write the number on the parcel."),
    "together": _("These returns can't come in one parcel. Send each by itself."),
}
"""What is wrong with a field, by its name."""


def to_customer(refused: Refused, names: Mapping[str, str] | None = None) -> str:
    """What a refusal says to the customer whose order it is; `names` are what things are called, by id and code."""
    code, facts = refused.code, dict(refused.facts)
    if code == "kernel.invalid":
        return _of_field(str(facts.get("field", "")))
    if code == "returns.more_than_sold" and not facts["left"]:
        return gettext("{line} is sent back already.").format(line=_called(facts["line"], names))
    says = SAYS.get(code)
    if says is None:
        return str(OTHERWISE)
    return str(says).format(**{name: _fact(name, fact, names) for name, fact in facts.items()})


def _of_field(field: str) -> str:
    most = {"mb": photos.BYTES_MAX // 1_000_000, "pixels": photos.PIXELS_MAX // 1_000_000}
    return str(INVALID.get(field, OTHERWISE)).format(**most)


def _fact(name: str, fact: Any, names: Mapping[str, str] | None) -> Any:
    if name in ("line", "sku"):
        return _called(fact, names)
    if name == "offered":
        offered = (one.replace(" ", "_") for one in str(fact).split(", "))
        return ", ".join(str(words.TO_CUSTOMERS.get(one) or words.sentence(one)) for one in offered)
    if isinstance(fact, Said):
        return words.told(fact)
    return reasons.reason(fact) if isinstance(fact, str) else fact


def _called(key: object, names: Mapping[str, str] | None) -> str:
    """What a thing is called; where nobody told, it is one of the order's."""
    return (names or {}).get(str(key)) or gettext("What you chose")
