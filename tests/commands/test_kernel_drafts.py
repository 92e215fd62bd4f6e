"""kernel.draft_policy, kernel.try_draft, kernel.activate_draft, kernel.drop_draft"""

from __future__ import annotations

from datetime import timedelta

import pytest

from entrepot.kernel import drafts, ids, policies
from entrepot.kernel.drafts import (
    ActivateDraft,
    DraftNow,
    DraftPolicy,
    DropDraft,
    TryDraft,
    activate_draft,
    draft_policy,
    drop_draft,
    try_draft,
)
from entrepot.kernel.errors import Invalid, NotFound, WrongState
from entrepot.sourcing.commands.allocate import AllocateOrder  # noqa: F401  registers the kind sourcing.profile
from entrepot.sourcing.rules import Profile
from tests.selling import CAUSE, COMPANY, NOW
from tests.sizes import SIZES

pytestmark = pytest.mark.django_db

KIND = "sourcing.profile"
LATER = NOW + timedelta(days=2)


def a_draft(body=None, **facts) -> DraftNow:
    request = DraftPolicy(COMPANY, KIND, body or Profile(nodes_per_order_max=1), **facts)
    (answer,) = draft_policy(CAUSE, requests=[request])
    assert isinstance(answer, DraftNow), answer
    return answer


def tried(**facts) -> DraftNow:
    draft = a_draft(**facts).draft
    (answer,) = try_draft(CAUSE, requests=[TryDraft(draft, "12 splits fewer")])
    assert isinstance(answer, DraftNow), answer
    return answer


def test_a_draft_is_in_force_only_from_the_moment_it_was_activated_for():
    draft = tried(scope="shop", note="for the season").draft
    assert policies.in_force(COMPANY, Profile, LATER) == {}

    (answer,) = activate_draft(CAUSE, requests=[ActivateDraft(draft, LATER)])

    assert answer == DraftNow(draft, "active", 1)
    assert policies.in_force(COMPANY, Profile, LATER - timedelta(seconds=1)) == {}
    assert policies.in_force(COMPANY, Profile, LATER) == {"shop": (1, Profile(nodes_per_order_max=1))}


def test_its_life_is_told_with_what_the_trial_said():
    report = ids.uuid7()
    draft = a_draft(note="fewer splits").draft
    try_draft(CAUSE, requests=[TryDraft(draft, "12 splits fewer", report)])
    activate_draft(CAUSE, requests=[ActivateDraft(draft, NOW)])

    (row,) = drafts.drafts(COMPANY, KIND)

    assert (row.id, row.state, row.version, row.summary, row.report) == (
        draft, "active", 1, "12 splits fewer", report,
    )  # fmt: skip
    assert drafts.drafts(COMPANY, "orders.validation") == []
    assert drafts.draft_of(COMPANY, draft, Profile) == Profile(nodes_per_order_max=1)
    assert isinstance(drafts.draft_of(COMPANY + 1, draft, Profile), NotFound)


def test_versions_that_are_set_at_once_and_drafts_share_one_count():
    policies.set_policy(CAUSE, requests=[policies.SetPolicy(COMPANY, KIND, Profile(), NOW)])
    draft = tried().draft
    assert activate_draft(CAUSE, requests=[ActivateDraft(draft, NOW)])[0].version == 2


@pytest.mark.parametrize(
    ("kind", "body", "field"),
    [
        ("sourcing.luck", {}, "kind"),
        (KIND, {"nodes_per_order_max": "many"}, "body"),
        # It would be kept as nothing, and no version of the kind could be read any more.
        (KIND, Profile(km_minor=float("nan")), "body"),
    ],
)
def test_a_draft_that_could_never_be_a_version_is_refused(kind, body, field):
    (answer,) = draft_policy(CAUSE, requests=[DraftPolicy(COMPANY, kind, body)])
    assert isinstance(answer, Invalid)
    assert answer.facts["field"] == field
    assert drafts.drafts(COMPANY) == []


def test_every_step_is_a_transition_or_a_refusal():
    steps = {
        "try": lambda draft: try_draft(CAUSE, requests=[TryDraft(draft, "good")]),
        "activate": lambda draft: activate_draft(CAUSE, requests=[ActivateDraft(draft, NOW)]),
        "drop": lambda draft: drop_draft(CAUSE, requests=[DropDraft(draft, "no use")]),
    }
    ways = {"draft": (), "tried": ("try",), "active": ("try", "activate"), "dropped": ("drop",)}
    for state, way in ways.items():
        for event, step in steps.items():
            draft = a_draft().draft
            for before in way:
                steps[before](draft)
            (answer,) = step(draft)
            expected = drafts.LIFE.step(state, event)
            if isinstance(expected, WrongState):
                assert answer == expected
            else:
                assert (answer.draft, answer.state) == (draft, expected)


def test_a_trial_says_something_and_the_past_is_not_changed():
    draft = a_draft().draft
    assert isinstance(try_draft(CAUSE, requests=[TryDraft(draft, " ")])[0], Invalid)
    draft = tried().draft
    yesterday = ActivateDraft(draft, NOW - timedelta(days=1))
    (answer,) = activate_draft(CAUSE, requests=[yesterday])
    assert isinstance(answer, Invalid)
    assert answer.facts["field"] == "in_force_from"
    assert isinstance(drop_draft(CAUSE, requests=[DropDraft(ids.uuid7(), "gone")])[0], NotFound)


def test_again_by_key_answers_the_same():
    request = DraftPolicy(COMPANY, KIND, Profile(), key="d")
    assert draft_policy(CAUSE, requests=[request]) == draft_policy(CAUSE, requests=[request])
    draft = drafts.drafts(COMPANY)[0].id
    for command, step in (
        (try_draft, TryDraft(draft, "good", key="t")),
        (activate_draft, ActivateDraft(draft, NOW, key="a")),
        (drop_draft, DropDraft(a_draft().draft, "no use", key="x")),
    ):
        assert command(CAUSE, requests=[step]) == command(CAUSE, requests=[step])
    assert set(policies.in_force(COMPANY, Profile, NOW)) == {""}


def test_in_one_call_a_draft_is_activated_once():
    draft = tried().draft
    first, second = activate_draft(CAUSE, requests=[ActivateDraft(draft, NOW)] * 2)
    assert (first, isinstance(second, WrongState)) == (DraftNow(draft, "active", 1), True)


@pytest.mark.counts("kernel.activate_draft", "kernel.draft_policy", "kernel.drop_draft", "kernel.try_draft")
def test_statements_do_not_grow_with_the_batch(statements):
    counts = []
    for batch in SIZES:
        with statements() as ran:
            made = draft_policy(CAUSE, requests=[DraftPolicy(COMPANY, KIND, Profile())] * batch)
        counts.append([len(ran.texts)])
        for command, requests in (
            (try_draft, [TryDraft(one.draft, "good") for one in made]),
            (activate_draft, [ActivateDraft(one.draft, NOW) for one in made]),
        ):
            with statements() as ran:
                command(CAUSE, requests=requests)
            counts[-1].append(len(ran.texts))
        others = draft_policy(CAUSE, requests=[DraftPolicy(COMPANY, KIND, Profile())] * batch)
        with statements() as ran:
            drop_draft(CAUSE, requests=[DropDraft(one.draft, "no use") for one in others])
        counts[-1].append(len(ran.texts))
    assert counts[0] == counts[1] == counts[2]


# ---- which version holds


def set_to(days: float, limit: int, *, scope: str = "") -> None:
    """A version from so many days after the moment of the cause on."""
    since = NOW + timedelta(days=days)
    wanted = policies.SetPolicy(COMPANY, KIND, Profile(nodes_per_order_max=limit), since, scope)
    policies.set_policy(CAUSE, requests=[wanted])


def limits(*days: float) -> list[int]:
    found = [policies.of_company(COMPANY, Profile, NOW + timedelta(days=one))[1] for one in days]
    return [one.nodes_per_order_max for one in found]


def test_a_version_that_begins_later_keeps_its_day():
    """What is activated today does not take the place of what was activated for the season."""
    set_to(-1, 1)
    set_to(20, 2)
    set_to(0, 4)
    assert limits(-0.5, 0, 19, 20, 99) == [1, 4, 4, 2, 2]


def test_a_season_that_is_set_after_the_day_on_which_it_ends_ends_all_the_same():
    set_to(-1, 1)
    set_to(30, 3)
    set_to(20, 2)
    assert limits(19, 20, 29, 30) == [1, 2, 2, 3]


def test_of_two_for_one_day_the_later_one_holds():
    set_to(20, 2)
    set_to(20, 5)
    assert limits(20) == [5]


def test_a_moment_that_is_over_is_at_once_and_the_past_stays():
    set_to(-1, 1)
    set_to(-9, 4)
    assert limits(-2, 0) == [Profile().nodes_per_order_max, 4]
    assert [row.in_force_from for row in policies.versions(COMPANY, KIND)] == [NOW - timedelta(days=1)] * 2


def test_what_is_activated_without_a_day_holds_from_the_next_second_on():
    (answer,) = activate_draft(CAUSE, requests=[ActivateDraft(tried().draft)])
    assert isinstance(answer, DraftNow)
    assert limits(0) == [Profile().nodes_per_order_max]
    assert limits(1 / 86_400) == [1]
    set_to(-9, 4)
    assert limits(1) == [4], "and what is set right after it takes its place"
