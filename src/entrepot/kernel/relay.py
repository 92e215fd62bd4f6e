"""The relay: sends what stands in the outbox, after the commit that wrote it, until it arrives."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from datetime import datetime
from importlib import import_module
from importlib.util import find_spec

import structlog
from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from entrepot.kernel import delivery
from entrepot.kernel.cause import Actor, Cause
from entrepot.kernel.delivery import Claimed
from entrepot.kernel.errors import Away, Unavailable, Unheard
from entrepot.kernel.sql import DATABASE_AWAY

log = structlog.get_logger("entrepot.relay")

BATCH = 100
IDLE_S = 1.0

Send = Callable[[Cause, Claimed], None]


def destinations() -> dict[str, Send]:
    """Who sends to which destination: the `DESTINATIONS` of each room's tasks.py, by the part before the colon."""
    found: dict[str, Send] = {}
    for room in settings.ROOMS:
        if find_spec(f"entrepot.{room}.tasks"):
            found |= getattr(import_module(f"entrepot.{room}.tasks"), "DESTINATIONS", {})
    return found


def run() -> None:
    """Send until SIGTERM or SIGINT."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: stop.set())
    senders = destinations()
    others = [
        threading.Thread(target=_keep_sending, args=(stop, senders, lane))
        for lane in (delivery.WEBHOOKS, delivery.MAILS)
    ]
    for one in others:
        one.start()
    log.info("relay started", destinations=sorted(senders))
    _keep_sending(stop, senders, delivery.WITHIN)
    for one in others:
        one.join()


def _keep_sending(stop: threading.Event, senders: dict[str, Send], lane: str) -> None:
    """Send what a lane has, again and again until the end. A bug here ends all lanes, and the supervisor starts them
    anew; one in a sender is a failed attempt of its message."""
    try:
        while not stop.is_set():
            try:
                if not relay_once(senders, lane=lane):
                    stop.wait(IDLE_S)
            except DATABASE_AWAY:
                log.warning("database away, trying again", exc_info=True)
                connection.close()
                stop.wait(IDLE_S)
    finally:
        stop.set()
        connection.close()


def relay_once(
    senders: dict[str, Send], limit: int = BATCH, at: datetime | None = None, lane: str = delivery.ALL
) -> int:
    """Send what is due, by the clock or at a given moment; returns how many messages arrived.

    A message is sent while its row is locked, and the outcome is committed with what the sender recorded. A crash in
    between sends it again: so every message carries an idempotency key, and the other side sees it once. One that goes
    `once`, since the other side knows no such key, is noted as begun, and that is committed, before it is sent.
    """
    arrived = 0
    for _ in range(limit):
        now = at or timezone.now()
        with transaction.atomic():
            claimed = delivery.claim(now, 1, lane)
            if not claimed:
                break
            (message,) = claimed
            if message.once:
                delivery.begin(now, message)
            else:
                arrived += _send(senders, message, now)
        if message.once:
            with transaction.atomic():
                if delivery.claim_begun(now, message):
                    arrived += _send(senders, message, now)
    return arrived


def _send(senders: dict[str, Send], message: Claimed, now: datetime) -> int:
    cause = Cause(Actor(f"system:relay:{message.destination}", everything=True), now, message.topic)
    sender = senders.get(message.destination) or senders.get(message.destination.partition(":")[0])
    if sender is None:
        delivery.keep(message, f"no connector sends to {message.destination} yet")
        return 0
    try:
        with transaction.atomic():
            sender(cause, message)
    except Unavailable as error:
        again = delivery.failed(
            cause.at, message, str(error) or type(error).__name__, may_have_arrived=isinstance(error, Unheard)
        )
        if isinstance(error, Away):
            delivery.rest(message.destination, again)
        return 0
    except DATABASE_AWAY:
        raise
    except Exception as error:
        # A bug, or a message that nobody can read: it stops neither the others nor the lane.
        log.exception("a sender failed", destination=message.destination, message=message.id)
        fault = f"a fault of ours: {type(error).__name__}: {error}"
        delivery.failed(cause.at, message, fault, may_have_arrived=True)
        return 0
    delivery.delivered(cause.at, [message])
    return 1
