"""Activating one draft from several threads, and several drafts of one policy at once."""

from __future__ import annotations

from entrepot.kernel import ids, policies
from entrepot.kernel.drafts import (
    ActivateDraft,
    AttachTrial,
    DraftNow,
    DraftPolicy,
    activate_draft,
    attach_trials,
    draft_policy,
)
from entrepot.kernel.errors import WrongState
from entrepot.sourcing.commands import allocate  # noqa: F401  registers the kind sourcing.profile
from entrepot.sourcing.rules import Profile
from tests.floor import SYSTEM
from tests.selling import CAUSE, COMPANY, NOW
from tests.selling import rows as count
from tests.together import all_at_once


def tried(number: int) -> list[ActivateDraft]:
    bodies = [
        DraftPolicy(COMPANY, "sourcing.profile", Profile(nodes_per_order_max=n + 1)) for n in range(number)
    ]
    made = draft_policy(CAUSE, requests=bodies)
    attach_trials(
        CAUSE,
        requests=[
            AttachTrial(one.draft, "replay of recorded orders", said.body, "good", ids.uuid7())
            for one, said in zip(made, bodies, strict=True)
        ],
    )
    return [ActivateDraft(one.draft, NOW.replace(year=NOW.year + 9)) for one in made]


def test_a_draft_becomes_one_version_however_many_ask(committed_db):
    (one,) = tried(1)
    answers = all_at_once(activate_draft, SYSTEM, [one], [one], [one])
    assert sum(isinstance(answer, DraftNow) for answer in answers) == 1
    assert sum(isinstance(answer, WrongState) for answer in answers) == 2
    assert count("kernel_policy") == 1


def test_drafts_of_one_policy_become_one_version_each(committed_db):
    answers = all_at_once(activate_draft, SYSTEM, *([one] for one in tried(3)))
    assert sorted(answer.version for answer in answers) == [1, 2, 3]
    ((version, _),) = policies.in_force(COMPANY, Profile, NOW.replace(year=NOW.year + 10)).values()
    assert version == 3
