"""Stripe over HTTP. The attempt's id is the idempotency key: what is sent again is done once."""

from __future__ import annotations

import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from datetime import datetime
from http import HTTPStatus

from django.conf import settings

from entrepot.kernel.errors import Unavailable
from entrepot.payments.providers import Asked, Outcome, Told
from entrepot.payments.providers.stripe import amounts, build, parse

TIMEOUT_S = 20
DISPUTES_MAX = 2_000
"""Of one poll."""
AGAIN = (
    # A wrong key is the installation's trouble, and no answer about the money.
    HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.CONFLICT,
    HTTPStatus.TOO_MANY_REQUESTS,
)  # fmt: skip


class Client:
    """An account with Stripe; `url` is where it answers."""

    def __init__(self, key: str, url: str) -> None:
        self.key, self.url = key, url.rstrip("/")

    def ask(self, asked: Asked) -> Outcome:
        """What became of an attempt. What Stripe does not know yet is `Unavailable`: it is asked again, or a webhook
        tells it."""
        if asked.kind != "void" and (wrong := amounts.misfit(asked.amount_minor, asked.currency)):
            return Outcome(False, "", wrong)
        try:
            call = self._hold(asked) if asked.kind == "hold" else build.call(asked)
            if call is None:
                return Outcome(
                    False, "", "Stripe keeps no card of the payment that an amount could be held on"
                )
            said = self._send(call.path, call.fields, str(asked.attempt))
            found = parse.outcome(asked, said)
        except _RefusedError as error:
            return parse.refused(asked, error.said)
        except parse.UnreadableError as error:
            raise Unavailable(f"an answer of Stripe that can't be read: {error}") from error
        if found is None:
            raise Unavailable("Stripe has not decided yet")
        return found

    def _hold(self, asked: Asked) -> build.Call | None:
        """A hold on the card of the earlier payment, whose intent says which."""
        customer, method = parse.card(self._send(build.look(asked)))
        return build.hold(asked, customer, method) if method else None

    def answer(self, told: Told) -> Outcome:
        """What became of an answer to a dispute: its paper is sent first, as a file."""
        try:
            file = parse.file(self._upload(told)) if told.paper else ""
            call = build.answer(told, file)
            return parse.answered(told, self._send(call.path, call.fields, str(told.answer)))
        except _RefusedError as error:
            return parse.refused_answer(told, error.said)
        except parse.UnreadableError as error:
            raise Unavailable(f"an answer of Stripe that can't be read: {error}") from error

    def disputes(self, since: datetime) -> Iterator[parse.Page]:
        """All disputes that were opened since a time, page by page, the latest first."""
        after, seen = "", 0
        try:
            while seen < DISPUTES_MAX:
                page = parse.disputes(self._send(build.disputes(int(since.timestamp()), after)))
                yield page
                after, seen = page.last, seen + len(page.disputes) + len(page.unread)
                if not page.more or not after:
                    return
        except _RefusedError as error:
            raise Unavailable(f"Stripe does not list disputes: {error.said[:200]}") from error
        except parse.UnreadableError as error:
            raise Unavailable(f"an answer of Stripe that can't be read: {error}") from error

    def _upload(self, told: Told) -> str:
        """Files have a host of their own."""
        boundary = told.answer.hex
        url = self.url.replace("//api.", "//files.", 1)
        headers = {"Content-Type": f"multipart/form-data; boundary={boundary}"}
        return self._exchange(f"{url}/files", build.upload(told, boundary), f"{told.answer}.file", headers)

    def _send(self, path: str, fields: dict[str, str] | None = None, key: str = "") -> str:
        body = None if fields is None else urllib.parse.urlencode(fields).encode()
        return self._exchange(self.url + path, body, key, {})

    def _exchange(self, url: str, body: bytes | None, key: str, headers: dict[str, str]) -> str:
        headers = headers | {"Authorization": f"Bearer {self.key}"}
        request = urllib.request.Request(  # noqa: S310  the address is the installation's own setting
            url,
            body,
            headers | ({"Idempotency-Key": key} if key else {}),
            method="GET" if body is None else "POST",
        )
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:  # noqa: S310
                return str(answer.read().decode("utf-8", "replace"))
        except urllib.error.HTTPError as error:
            said = error.read().decode("utf-8", "replace")
            if error.code in AGAIN or error.code >= HTTPStatus.INTERNAL_SERVER_ERROR:
                raise Unavailable(f"Stripe: HTTP {error.code} {error.reason}") from error
            raise _RefusedError(said) from error
        except (urllib.error.URLError, TimeoutError, OSError) as error:
            raise Unavailable(f"Stripe does not answer: {error}") from error


class _RefusedError(Exception):
    def __init__(self, said: str) -> None:
        super().__init__(said)
        self.said = said


def client() -> Client:
    """The account of this installation."""
    if not settings.STRIPE_KEY:
        raise Unavailable("no key of Stripe: set ENTREPOT_STRIPE_KEY")
    return Client(settings.STRIPE_KEY, settings.STRIPE_URL)
