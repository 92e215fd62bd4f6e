"""What a SKU is sold as in second grade, as its page asks for it."""

from __future__ import annotations

from uuid import UUID

from django.http import Http404, HttpResponse
from django.utils.translation import gettext
from django.views.decorators.http import require_POST

from entrepot.catalog import queries as catalog
from entrepot.returns.commands.grade_skus import GradeSku, grade_skus
from entrepot.web.edge import Request, back, clean, console, give


@require_POST
@console
def set_second_grade(request: Request, which: UUID) -> HttpResponse:
    """Name the SKU that goods of a grade are sold as, or none any more."""
    found = catalog.sku_by_id(which)
    if found is None:
        raise Http404
    grade, into = clean(request.POST.get("grade")), clean(request.POST.get("into"))
    wanted = GradeSku(request.reader.company.id, found.code, grade, into)
    results = give(request, grade_skus, [wanted], lambda _: gettext("Second grade is set."))
    return back(request, f"/stock/{which}/", results)
