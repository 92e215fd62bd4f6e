"""For the machines that watch over the house."""

from __future__ import annotations

import structlog
from django.db import Error, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_safe

log = structlog.get_logger("entrepot.web")


@require_safe
def healthz(_request: HttpRequest) -> HttpResponse:
    """200 where this process can ask the database, 503 where not."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except Error:
        log.warning("healthz", exc_info=True)
        return JsonResponse({"status": "unavailable", "what": "database"}, status=503)
    return JsonResponse({"status": "ok"})
