"""Background work of orders: let go of what has got what it waits for, ask about what stays, forget fingerprints."""

from __future__ import annotations

from django.utils import timezone
from procrastinate.contrib.django import app

from entrepot.kernel.cause import Actor, Cause
from entrepot.orders.commands.escalate import AskAgain, ask_again, unasked
from entrepot.orders.commands.forget import KEPT, ForgetFingerprints, forget_fingerprints
from entrepot.orders.commands.satisfy import ReleaseSatisfied, release_satisfied, stocked_again
from entrepot.orders.commands.watch_authorizations import WatchAuthorizations, watch_authorizations
from entrepot.parties import queries as parties


@app.periodic(cron="* * * * *")
@app.task(name="orders.release_satisfied", queueing_lock="orders.release_satisfied")
def release_stocked(timestamp: int) -> None:  # noqa: ARG001  procrastinate says for when it was due
    """Every minute: orders whose goods have come, or that the catalog has learned of."""
    cause = Cause(Actor("system:orders", everything=True), timezone.now(), "what they waited for has come")
    release_satisfied(cause, requests=[ReleaseSatisfied(order) for order in stocked_again(cause.at)])


@app.periodic(cron="*/5 * * * *")
@app.task(name="orders.ask_again", queueing_lock="orders.ask_again")
def ask_again_about_holds(timestamp: int) -> None:  # noqa: ARG001  procrastinate says for when it was due
    """Every five minutes: holds whose work item somebody closed are work again, for the order still waits."""
    cause = Cause(Actor("system:orders", everything=True), timezone.now(), "the hold still stands")
    ask_again(cause, requests=[AskAgain(order) for order in unasked()])


@app.periodic(cron="35 * * * *")
@app.task(name="orders.watch_authorizations", queueing_lock="orders.watch_authorizations")
def watch_all_authorizations(timestamp: int) -> None:  # noqa: ARG001  procrastinate says for when it was due
    """Every hour: orders that have not left and whose authorization ends."""
    cause = Cause(Actor("system:orders", everything=True), timezone.now(), "authorizations that end")
    watch_authorizations(cause, requests=[WatchAuthorizations(company.id) for company in parties.companies()])


@app.periodic(cron="17 * * * *")
@app.task(name="orders.forget_fingerprints", queueing_lock="orders.forget_fingerprints")
def forget_old_fingerprints(timestamp: int) -> None:  # noqa: ARG001  procrastinate says for when it was due
    """Every hour: fingerprints are kept for as long as a policy can count them, and no longer."""
    cause = Cause(Actor("system:orders", everything=True), timezone.now(), "no policy counts them any more")
    forget_fingerprints(cause, requests=[ForgetFingerprints(cause.at - KEPT)])
