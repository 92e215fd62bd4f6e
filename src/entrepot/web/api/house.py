"""The API as a whole."""

from __future__ import annotations

from ninja import NinjaAPI

api = NinjaAPI(
    title="Entrepot",
    version="1",
    urls_namespace="api",
    docs_url="/docs",
    openapi_url="/openapi.json",
)
