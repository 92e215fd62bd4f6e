"""Shopify over HTTP: what a shop says of its orders."""

from __future__ import annotations

import http.client
import re
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from entrepot.channels.shopify import parse
from entrepot.kernel.errors import Unavailable

TIMEOUT_S = 30
PAGE = 250
PAGES_MAX = 400
_NEXT = re.compile(r'<([^>]+)>;\s*rel="next"')


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirect would carry the token along, to whatever address an answer names."""

    def redirect_request(self, *_answer: Any) -> None:
        raise Unavailable("Shopify: the shop is at another address than its setting says")


_OPENER = urllib.request.build_opener(_NoRedirect)


@dataclass(frozen=True, slots=True)
class Client:
    """A shop's Admin API: `url` up to its version, such as https://a-shop.myshopify.com/admin/api/2026-07."""

    url: str
    token: str = field(repr=False)

    def orders(self, since: datetime, until: datetime) -> str:
        """Orders that were placed from `since` until before `until`, in every state, as one list."""
        query = urllib.parse.urlencode({
            "status": "any", "limit": PAGE,
            "processed_at_min": since.isoformat(), "processed_at_max": until.isoformat(),
        })  # fmt: skip
        page = f"{self.url.rstrip('/')}/orders.json?{query}"
        answers: list[str] = []
        while page:
            if len(answers) == PAGES_MAX:
                raise Unavailable(f"Shopify: more than {PAGES_MAX} pages of orders; ask for a shorter period")
            answer, page = self._get(page)
            answers.append(answer)
        return parse.together(answers)

    def _get(self, page: str) -> tuple[str, str]:
        """An answer, and the address of the next page or ''. The token goes to the shop alone."""
        if urllib.parse.urlsplit(page)[:2] != urllib.parse.urlsplit(self.url)[:2]:
            raise Unavailable("Shopify: the next page is at another address than the shop")
        request = urllib.request.Request(page, headers={"X-Shopify-Access-Token": self.token})  # noqa: S310  a setting
        try:
            with _OPENER.open(request, timeout=TIMEOUT_S) as answer:
                following = _NEXT.search(answer.headers.get("Link", ""))
                return answer.read().decode("utf-8", "replace"), following[1] if following else ""
        except urllib.error.HTTPError as error:
            raise Unavailable(f"Shopify: HTTP {error.code} {error.reason}") from error
        except (urllib.error.URLError, http.client.HTTPException, TimeoutError, OSError) as error:
            raise Unavailable(f"Shopify does not answer: {error}") from error
