"""The flow board: what stands where, what is late, what waits for somebody."""

from __future__ import annotations

from django.http import HttpResponse
from django.views.decorators.http import require_safe

from entrepot.web.edge import Request, console, page


@require_safe
@console
def home(request: Request) -> HttpResponse:
    return page(request, "web/home.html", {}, area="home")
