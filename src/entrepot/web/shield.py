"""What every answer of the house tells a browser: what a page may load and use, whichever part of the house made it."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponseBase

POLICY = "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'"
"""What a page may load: our own files, nothing inline, nothing from elsewhere."""
FEATURES = "camera=(self), microphone=(), geolocation=(), payment=(), usb=()"
"""What of the device a page may use: the camera, to scan and to show goods."""


class Shield:
    """A middleware: no view has to think of it. What a view says itself stands: files that people sent may do less."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        response.headers.setdefault("Content-Security-Policy", POLICY)
        response.headers.setdefault("Permissions-Policy", FEATURES)
        return response
