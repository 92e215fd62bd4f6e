"""Webhooks, for programs: who is told of what, whether they hear it, and what they were told."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from django.http import HttpRequest
from ninja import Router
from pydantic import Field, StrictInt

from entrepot.channels import webhook_queries, webhooks
from entrepot.channels.commands.keep_webhooks import (
    AddWebhook,
    ChangeWebhook,
    RenewSecret,
    SwitchWebhook,
    add_webhooks,
    change_webhooks,
    renew_secrets,
    switch_webhooks,
)
from entrepot.channels.commands.tell_webhooks import SendAgain, TryWebhook, send_again, try_webhooks
from entrepot.kernel.errors import NotFound
from entrepot.web.api import parse
from entrepot.web.api.answers import READ, REFUSED, Company, IdempotencyKey, Limit, Many, give
from entrepot.web.api.schemas import BIGINT_MAX, NO_NUL, Code, Each, Out, Own, Strict, Text

router = Router()

Url = Annotated[
    str,
    Field(
        min_length=1,
        max_length=webhooks.URL_MAX,
        pattern=NO_NUL,
        examples=["https://shop.example.com/hook"],
    ),
]
NAMES = tuple(webhooks.EVENTS)
SOME = Field(min_length=1, max_length=len(NAMES))
Secret = Annotated[
    str,
    Field(
        max_length=120,
        pattern=r"^whsec_[A-Za-z0-9+/]+={0,2}$",
        description="`whsec_` and 24 to 64 bytes as base64, made by the program that is told; no answer says it.",
    ),
]


class WebhookIn(Strict):
    """An address that shall be told of events."""

    name: Code
    url: Url
    events: Annotated[list[Literal[NAMES]], SOME]  # type: ignore[valid-type]
    secret: Secret
    key: Own = None


class WebhookChangeIn(Strict):
    """A webhook as it shall stand."""

    webhook: UUID
    name: Code
    url: Url
    events: Annotated[list[Literal[NAMES]], SOME]  # type: ignore[valid-type]
    key: Own = None


class WebhookSecretIn(Strict):
    """A new secret. For a day messages bear the signatures of both."""

    webhook: UUID
    secret: Secret
    key: Own = None


class WebhookSwitchIn(Strict):
    """Whether a webhook is told of events, or is forgotten."""

    webhook: UUID
    step: Literal["open", "pause", "remove"]
    why: Text = ""
    key: Own = None


class WebhookTryIn(Strict):
    """A webhook that shall get a message of the kind `webhook.test`."""

    webhook: UUID
    key: Own = None


class SendAgainIn(Strict):
    """A message, by its id in the list of the webhook's messages."""

    webhook: UUID
    message: Annotated[StrictInt, Field(ge=1, le=BIGINT_MAX)]
    key: Own = None


class WebhookNowOut(Out):
    webhook: UUID
    state: str


class OnItsWayOut(Out):
    webhook: UUID
    message: str


class WebhookOut(Out):
    """`why`: why it is paused or given up. Until `former_until` the former secret signs as well."""

    id: UUID
    name: str
    url: str
    events: list[str]
    state: str
    why: str
    former_until: datetime | None


class WebhookMessageOut(Out):
    """A message to a webhook. `error`: what the last attempt ended with."""

    id: int
    topic: str
    subject: UUID
    state: str
    attempts: int
    created_at: datetime
    delivered_at: datetime | None
    error: str


@router.get("/webhooks", response={200: list[WebhookOut], **READ})
def list_webhooks(request: HttpRequest, company: Company = None) -> Sequence[Any]:  # noqa: ARG001
    """Webhooks by name; those that were removed are not there."""
    return webhook_queries.webhooks(parse.company_of(company))


@router.post("/webhooks", response={200: WebhookNowOut | list[Each[WebhookNowOut]], **REFUSED})
def add_webhook(
    request: HttpRequest,
    payload: WebhookIn | Annotated[list[WebhookIn], Many],
    idempotency_key: IdempotencyKey,
    company: Company = None,
) -> Any:
    """Addresses that are told of what happens from now on, signed by Standard Webhooks."""
    of = parse.company_of(company)
    return give(
        request, add_webhooks, payload, idempotency_key,
        lambda one, key: AddWebhook(of, one.name, one.url, tuple(one.events), one.secret, key=key),
    )  # fmt: skip


@router.post("/webhooks/change", response={200: WebhookNowOut | list[Each[WebhookNowOut]], **REFUSED})
def change_webhook(
    request: HttpRequest,
    payload: WebhookChangeIn | Annotated[list[WebhookChangeIn], Many],
    idempotency_key: IdempotencyKey,
    company: Company = None,
) -> Any:
    """Other names, addresses or events. What waits goes to the new address."""
    of = parse.company_of(company)
    return give(
        request, change_webhooks, payload, idempotency_key,
        lambda one, key: ChangeWebhook(of, one.webhook, one.name, one.url, tuple(one.events), key=key),
    )  # fmt: skip


@router.post("/webhooks/secret", response={200: WebhookNowOut | list[Each[WebhookNowOut]], **REFUSED})
def renew_webhook_secret(
    request: HttpRequest,
    payload: WebhookSecretIn | Annotated[list[WebhookSecretIn], Many],
    idempotency_key: IdempotencyKey,
    company: Company = None,
) -> Any:
    """New secrets; the former ones sign beside them for a day."""
    of = parse.company_of(company)
    return give(
        request, renew_secrets, payload, idempotency_key,
        lambda one, key: RenewSecret(of, one.webhook, one.secret, key=key),
    )  # fmt: skip


@router.post("/webhooks/switch", response={200: WebhookNowOut | list[Each[WebhookNowOut]], **REFUSED})
def switch_webhook(
    request: HttpRequest,
    payload: WebhookSwitchIn | Annotated[list[WebhookSwitchIn], Many],
    idempotency_key: IdempotencyKey,
    company: Company = None,
) -> Any:
    """Open webhooks, pause them or remove them. What waits for one that is paused is kept until it is opened."""
    of = parse.company_of(company)
    return give(
        request, switch_webhooks, payload, idempotency_key,
        lambda one, key: SwitchWebhook(of, one.webhook, one.step, one.why, key=key),
    )  # fmt: skip


@router.post("/webhooks/try", response={200: OnItsWayOut | list[Each[OnItsWayOut]], **REFUSED})
def try_webhook(
    request: HttpRequest,
    payload: WebhookTryIn | Annotated[list[WebhookTryIn], Many],
    idempotency_key: IdempotencyKey,
    company: Company = None,
) -> Any:
    """A message of the kind `webhook.test` to open webhooks."""
    of = parse.company_of(company)
    return give(
        request, try_webhooks, payload, idempotency_key, lambda one, key: TryWebhook(of, one.webhook, key=key)
    )


@router.post("/webhooks/send-again", response={200: OnItsWayOut | list[Each[OnItsWayOut]], **REFUSED})
def send_webhook_again(
    request: HttpRequest,
    payload: SendAgainIn | Annotated[list[SendAgainIn], Many],
    idempotency_key: IdempotencyKey,
    company: Company = None,
) -> Any:
    """Messages once more, under their first `webhook-id`."""
    of = parse.company_of(company)
    return give(
        request, send_again, payload, idempotency_key,
        lambda one, key: SendAgain(of, one.webhook, one.message, key=key),
    )  # fmt: skip


@router.get("/webhooks/{webhook}/messages", response={200: list[WebhookMessageOut], **READ})
def list_webhook_messages(
    request: HttpRequest,  # noqa: ARG001
    webhook: UUID,
    company: Company = None,
    limit: Limit = 50,
) -> Sequence[Any]:
    """The latest messages to a webhook, the newest first, with what became of them."""
    of = parse.company_of(company)
    if webhook_queries.webhook(of, webhook) is None:
        raise NotFound(what="webhook", which=webhook)
    return webhook_queries.latest(of, webhook, limit)
