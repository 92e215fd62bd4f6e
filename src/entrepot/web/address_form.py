"""The fields of an address in a form: of a draft, and of an order that is sent elsewhere."""

from __future__ import annotations

from django.contrib import messages
from django.utils.translation import gettext

from entrepot.orders.commands.place import AddressGiven
from entrepot.parties.queries import Address
from entrepot.web.edge import Request, clean

WHO = ("name", "line1", "line2", "city", "region", "email", "phone")
"""The fields, beside country and postal code, which orders have of their own."""


def given(request: Request) -> AddressGiven | None:
    """Where it goes; None as long as its name, street or city lacks."""
    said = typed(request)
    return AddressGiven(**said) if said["name"] and said["line1"] and said["city"] else None


def typed(request: Request) -> dict[str, str]:
    return {part: _sent(request.POST.get(part)) for part in WHO}


def _sent(text: str | None) -> str:
    """What a field gives back that nobody touched: a browser's fields have one line."""
    return clean((text or "").replace("\r", "").replace("\n", ""))[:200]


def moved(request: Request, home: Address | None) -> dict[str, str] | None:
    """The address where the form says another one than the vault: each field that nobody touched as the vault has it;
    None where it says the same, or nothing."""
    said = typed(request)
    kept = {part: getattr(home, part) if home else "" for part in WHO}
    if not any(said.values()) or all(said[part] == _sent(kept[part]) for part in WHO):
        return None
    return {part: kept[part] if said[part] == _sent(kept[part]) else said[part] for part in WHO}


def lacks(request: Request) -> bool:
    """Whether part of an address is there and part of it lacks, which is told: nothing that was typed is lost. A region
    alone is none: the tax of a draft goes by it."""
    said = typed(request)
    needed = {"name": gettext("Name"), "line1": gettext("Street"), "city": gettext("City")}
    missing = [name for part, name in needed.items() if not said[part]]
    if not missing or not any(text for part, text in said.items() if part != "region"):
        return False
    told = gettext("The address lacks: %(what)s. Write it, or leave the whole address out.")
    messages.error(request, told % {"what": ", ".join(missing)})
    return True
