"""Drafts of sourcing profiles, and trials of them as the worker makes them."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from entrepot.kernel import ready
from entrepot.kernel.drafts import DraftNow, DraftPolicy, draft_policy
from entrepot.simulation import tasks
from entrepot.simulation.commands.try_profiles import AskTrial, TrialNow, ask_trials
from entrepot.sourcing.rules import Profile
from tests.shop import COMPANY, Shop, the_system


def a_draft(shop: Shop, note: str = "London is rebuilt", **fields: object) -> UUID:
    """A draft that excludes London, and prices shipments and lateness."""
    body = Profile(**({"excluded_nodes": ("LDN",), "split_minor": 200, "late_day_minor": 100} | fields))  # type: ignore[arg-type]
    (draft,) = draft_policy(
        the_system(shop.now), requests=[DraftPolicy(COMPANY, "sourcing.profile", body, note=note)]
    )
    assert isinstance(draft, DraftNow), draft
    return draft.draft


def a_trial(shop: Shop, draft: UUID | None = None) -> UUID:
    """A draft tried on the orders of the shop's days."""
    window = (shop.now - timedelta(days=3), shop.now + timedelta(days=1))
    request = AskTrial(COMPANY, draft or a_draft(shop), *window)
    (asked,) = ask_trials(the_system(shop.now), requests=[request])
    assert isinstance(asked, TrialNow), asked
    serve_trials(shop)
    return asked.trial


def serve_trials(shop: Shop) -> None:
    """What the worker does with trials that were asked for."""
    tasks.serve_whatif(the_system(shop.now), ready.claim("whatif", 9))
