"""Companies: set up with their books, changed, and what the open one still lacks before orders flow through it."""

from __future__ import annotations

from typing import NamedTuple

from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST, require_safe

from entrepot.insight import setting_up
from entrepot.kernel.errors import Refused
from entrepot.ledger.commands.set_up_companies import SetUpCompany, set_up_companies
from entrepot.web.edge import COMPANY, Request, back, clean, console, give, misread, page


class Step(NamedTuple):
    """Something that a house needs: what for, and the page where it is set up."""

    title: str | Promise
    why: str | Promise
    url: str


STEPS = {
    "nodes": Step(_("Nodes"), _("where goods stand, and leave the house"), "channels"),
    "bins": Step(_("Bins"), _("to receive, pick and pack at a node"), "bins"),
    "channels": Step(_("Channels"), _("from which orders come"), "channels"),
    "served": Step(_("Nodes for every channel"), _("without one, nothing of it can be promised"), "channels"),
    "skus": Step(_("SKUs"), _("what is sold and stored"), "sku-new"),
    "services": Step(_("Services"), _("which carrier takes a parcel, and for how much"), "services"),
    "taxes": Step(_("Tax rates"), _("the tax of each line of an order"), "taxes"),
    "suppliers": Step(_("Suppliers"), _("from whom goods are bought"), "suppliers"),
}
"""In the order in which they are best done."""


@require_safe
@console
def told(request: Request) -> HttpResponse:
    """The companies of the reader, and what the open one has."""
    stands = setting_up.set_up(company=request.reader.company.id)
    context = {
        "steps": [(step, getattr(stands, name)) for name, step in STEPS.items()],
    }
    return page(request, "web/companies.html", context, area="policies")


@require_POST
@console
def add(request: Request) -> HttpResponse:
    """A company that nothing stands of yet, open from then on for whoever set it up; the first of a house too."""
    code = clean(request.POST.get("code"))
    if code in [one.code for one in request.reader.companies]:
        misread(request, "code", gettext("%(code)s is there already. Change it below.") % {"code": code})
        return back(request, reverse("companies"), [])
    currency, country = (clean(request.POST.get(name)).upper() for name in ("currency", "country"))
    wanted = SetUpCompany(code, clean(request.POST.get("name")), currency, country)
    done = gettext("The company is set up, and its books are open. What it still lacks stands below.")
    answers = give(request, set_up_companies, [wanted], lambda _n: done)
    if isinstance(answers[0], Refused):
        return back(request, reverse("companies"), answers)
    request.session[COMPANY] = answers[0].id
    return redirect("companies")


@require_POST
@console
def change(request: Request, which: int) -> HttpResponse:
    """What a company is called, and the country it is in. Its code and the currency of its books stay."""
    found = next((one for one in request.reader.companies if one.id == which), None)
    if found is None:
        raise Http404
    country = clean(request.POST.get("country")).upper()
    wanted = SetUpCompany(found.code, clean(request.POST.get("name")), found.currency, country)
    give(request, set_up_companies, [wanted], lambda _n: gettext("The company is changed."))
    return back(request, reverse("companies"))
