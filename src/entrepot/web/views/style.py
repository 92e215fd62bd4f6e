"""The style page: what pages are made of, made of it. For who builds or themes the console."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import NamedTuple

from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from entrepot.insight import pages
from entrepot.orders import rules
from entrepot.web import format as fmt
from entrepot.web import lists, style_sheet, words
from entrepot.web.edge import UNDO, Request, Undo, console, page
from entrepot.web.icons import PATHS
from entrepot.web.listing import sums_of

ROWS = 4
MEANINGS = {
    "bad": _("Wrong, refused, lost: somebody has to act"),
    "held": _("Waits for somebody or something"),
    "going": _("On its way, nothing to do"),
    "good": _("Done, as it should be"),
    "quiet": _("Over, or of no weight"),
}


class Said(NamedTuple):
    """A message as pages say it."""

    text: str
    level_tag: str
    extra_tags: str = ""

    def __str__(self) -> str:
        return self.text


@cache
def sheet() -> str:
    return (Path(__file__).parents[1] / "static" / "web" / "style.css").read_text()


@require_safe
@console
def told(request: Request) -> HttpResponse:
    if not request.reader.actor.everything:
        raise PermissionDenied(gettext("The style page is for administrators."))
    shown = pages.orders(company=request.reader.company.id, now=fmt.reading().now, limit=ROWS)
    context = {
        "tones": [(one, MEANINGS.get(one.name, "")) for one in style_sheet.tones(sheet())],
        "colors": style_sheet.colors(sheet()),
        "others": style_sheet.others(sheet()),
        "icons": PATHS,
        "states": words.TONES,
        "said": [
            Said(gettext("3 items are yours."), "success", UNDO),
            Said(gettext("Nothing was selected, so nothing was done."), "info"),
            Said(gettext("Order SO-100001 is shipped. Ask for a return instead."), "error"),
        ],
        "undo": Undo("work.claim", reverse("work-act"), [("action", "claim")]),
        "listing": lists.ORDERS, "orders": shown, "list_sums": sums_of(lists.ORDERS, shown),
        "list_count": len(shown), "hold_types": rules.HOLDS, "next": None, "filtered": False,
    }  # fmt: skip
    return page(request, "web/style.html", context, area="")
