"""For the machines that watch over the house."""

from __future__ import annotations

from collections.abc import Iterator

import structlog
from django.db import Error, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from entrepot.channels import webhook_queries
from entrepot.insight import pages
from entrepot.web import doors
from entrepot.web.api.auth import actor_by_key

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


FAMILIES = {
    "ready": ("entrepot_ready", "Subjects that wait for a room to serve them", "queue"),
    "deliveries": ("entrepot_deliveries", "Messages to the outside that have not arrived", "state"),
    "work_items": ("entrepot_work_items", "Work items that wait for somebody", "type"),
    "webhooks_behind": (
        "entrepot_webhooks_behind_seconds",
        "Age of the oldest event that a webhook was not told of yet",
        "",
    ),
    "events": ("entrepot_events", "Number of the last event", ""),
    "events_sealed": ("entrepot_events_sealed", "Number of the last event in the audit chain", ""),
}


class _House(Collector):
    """Figures read from the tables when asked, so that every process tells the same."""

    def collect(self) -> Iterator[Metric]:
        families = {
            figure: GaugeMetricFamily(name, words, labels=[label] if label else [])
            for figure, (name, words, label) in FAMILIES.items()
        }
        for figure, label, value in pages.gauges():
            families[figure].add_metric([label] if FAMILIES[figure][2] else [], value)
        since = webhook_queries.untold_since()
        families["webhooks_behind"].add_metric([], (timezone.now() - since).total_seconds() if since else 0)
        yield from families.values()


_registry = CollectorRegistry()
_registry.register(_House())


@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Prometheus asks with an API key, as X-API-Key or as a bearer token; a person by their session."""
    raw = request.headers.get("X-API-Key") or request.headers.get("Authorization", "").removeprefix("Bearer ")
    if not doors.is_in(request) and (not raw or actor_by_key(request, raw) is None):
        return HttpResponse("An API key is needed.\n", status=401, headers={"WWW-Authenticate": "Bearer"})
    return HttpResponse(generate_latest(_registry), content_type=CONTENT_TYPE_LATEST)
