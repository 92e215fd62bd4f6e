"""What is shown to its reader one time: a password, a key, a secret that was just made.

The form that makes it answers with a redirect, so that a reload makes nothing anew. Between the two it stands sealed in
the reader's session; the page that shows it takes it out, and nobody finds it there after a few minutes.
"""

from __future__ import annotations

import base64
import json
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone

from entrepot.kernel import strongbox

ONCE = "once"
WITHIN = timedelta(minutes=5)


def show_once(request: HttpRequest, target: str, **said: str) -> HttpResponse:
    """To a page that shows this one time."""
    page = urlsplit(target).path
    sealed = strongbox.lock(json.dumps(said).encode(), page.encode())
    request.session[ONCE] = {
        "page": page, "sealed": base64.b64encode(sealed).decode(), "at": timezone.now().isoformat(),
    }  # fmt: skip
    return redirect(target)


def shown_once(request: HttpRequest) -> dict[str, str]:
    """What this page shows one time: {} where there is nothing, or it was shown, or nobody came for it in time."""
    kept = request.session.get(ONCE)
    if not kept or kept["page"] != request.path or "X-Live" in request.headers:
        return {}
    del request.session[ONCE]
    if timezone.now() - datetime.fromisoformat(kept["at"]) > WITHIN:
        return {}
    try:
        said = strongbox.unlock(base64.b64decode(kept["sealed"]), kept["page"].encode())
    except strongbox.WrongKey:
        return {}
    found: dict[str, str] = json.loads(said)
    return found


def unkept(response: HttpResponse, said: dict[str, str]) -> HttpResponse:
    """The page, which no browser keeps where it shows something one time."""
    if said:
        response.headers["Cache-Control"] = "no-store"
    return response
