"""Stripe as it answers, in the shapes that it documents, and as it sends messages."""

from __future__ import annotations

import hashlib
import hmac
import json
from pathlib import Path
from typing import Any

PAYLOADS = Path("/work/shared/data/payloads/stripe")


def example(name: str, **facts: Any) -> dict[str, Any]:
    """An object as Stripe documents it, where its examples are there, with other facts."""
    path = PAYLOADS / f"{name}.json"
    return (json.loads(path.read_text()) if path.exists() else {"object": name}) | facts


def answers(path: str, body: Any) -> tuple[int, Any]:
    """As Stripe answers: intents that are named `declined…` are refused, `slow…` are not decided, `busy…` fail."""
    intent = (body or {}).get("payment_intent") if isinstance(body, dict | None) else ""
    intent = intent or (path.split("/")[3:] or [""])[0]
    if intent.startswith("busy"):
        return 503, {"error": {"message": "try again", "type": "api_error"}}
    if intent.startswith("declined"):
        return 402, {"error": {"message": "It was declined.", "code": "card_declined", "type": "card_error"}}
    if path == "/v2/files":
        return 200, {"object": "file", "id": "file_1", "purpose": "dispute_evidence"}
    if path.startswith("/v2/disputes"):
        return _disputed(path, body)
    if path == "/v2/payment_intents":
        return _held(body)
    if body is None:
        kept = {} if intent.startswith("nocard") else {"customer": "cus_1", "payment_method": f"pm_{intent}"}
        return 200, example("payment_intent", id=intent, **kept)
    if path.endswith("/refunds"):
        amount, status = int(body["amount"]), "pending" if intent.startswith("slow") else "succeeded"
        return 200, example("refund", id=f"re_{intent}", amount=amount, status=status, payment_intent=intent)
    if path.endswith("/capture"):
        amount = int(body["amount_to_capture"])
        return 200, example(
            "payment_intent",
            id=intent,
            status="succeeded",
            amount_received=amount,
            latest_charge=f"ch_{intent}",
        )
    if intent.startswith("captured"):
        intent_now = example("payment_intent", id=intent, status="succeeded")
        wrong = {"code": "payment_intent_unexpected_state", "message": "no", "payment_intent": intent_now}
        return 400, {"error": wrong}
    return 200, example("payment_intent", id=intent, status="canceled")


def _held(body: Any) -> tuple[int, Any]:
    """An amount is held on a card; one that is named so needs its owner."""
    if body["payment_method"].startswith("pm_owner"):
        told = {"message": "The owner has to agree.", "code": "authentication_required", "type": "card_error"}
        return 402, {"error": told}
    held = f"pi_held_{body['payment_method']}"
    charge = {} if "untold" in held else {"latest_charge": held_charge(held)}
    return 200, example(
        "payment_intent", id=held, status="requires_capture", amount=int(body["amount"]), **charge
    )


CAPTURE_BEFORE = 1_799_280_000


def held_charge(intent: str) -> dict[str, Any]:
    """A charge that is not captured, with the time that its card's bank gives."""
    card = {"brand": "visa", "capture_before": CAPTURE_BEFORE}
    return example("charge", id=f"ch_{intent}", payment_method_details={"type": "card", "card": card})


def _disputed(path: str, body: Any) -> tuple[int, Any]:
    """Disputes are listed, answered and closed; a name that says `late…` is not answered any more."""
    if body is None:
        funds = [{"amount": -400, "fee": 1_500, "net": -1_900, "currency": "gbp"}]
        rows = [
            dispute("dp_9", "pi_9", 400, balance_transactions=funds, created=1_767_225_600),
            dispute("dp_8", "pi_of_another", 400, created=1_767_225_600),
        ]
        first = "starting_after" not in path
        return 200, {"object": "list", "data": rows[:1] if first else rows[1:], "has_more": first}
    name = path.removesuffix("/close").split("/")[-1]
    if name.startswith("late"):
        told = {"message": "Evidence can't be submitted any more.", "type": "invalid_request_error"}
        return 400, {"error": told}
    if path.endswith("/close"):
        return 200, dispute(name, "pi_1", 400, "lost")
    return 200, dispute(name, "pi_1", 400, "under_review")


def event(name: str, kind: str, thing: dict[str, Any], at: int = 1_767_225_600) -> str:
    return json.dumps(
        example("event", id=name, object="event", type=kind, created=at, data={"object": thing})
    )


def dispute(
    name: str, intent: str, amount: int, status: str = "needs_response", **facts: Any
) -> dict[str, Any]:
    return {
        "object": "dispute", "id": name, "payment_intent": intent, "amount": amount, "currency": "gbp",
        "reason": "product_not_received", "status": status, "evidence_details": {"due_by": 1_768_000_000},
    } | facts  # fmt: skip


def signature(payload: str, secret: str, at: int) -> str:
    right = hmac.new(secret.encode(), f"{at}.{payload}".encode(), hashlib.sha256).hexdigest()
    return f"t={at},v1={'0' * 64},v1={right},v0=old"
