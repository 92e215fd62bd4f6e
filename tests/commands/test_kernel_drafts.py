"""kernel.draft_policy, kernel.try_draft, kernel.attach_trials, kernel.activate_draft, kernel.drop_draft,
kernel.set_untried"""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest

from entrepot.kernel import drafts, ids, policies, sql
from entrepot.kernel.cause import Actor, Cause
from entrepot.kernel.drafts import (
    ActivateDraft,
    AttachTrial,
    DraftNow,
    DraftPolicy,
    DropDraft,
    TryDraft,
    activate_draft,
    attach_trials,
    draft_policy,
    drop_draft,
    try_draft,
)
from entrepot.kernel.errors import Invalid, NotFound, NotPermitted, TrialNeeded, WrongState
from entrepot.sourcing.commands.allocate import AllocateOrder  # noqa: F401  registers the kind sourcing.profile
from entrepot.sourcing.pegging import Backorders
from entrepot.sourcing.rules import Profile
from tests.selling import CAUSE, COMPANY, NOW
from tests.sizes import SIZES

pytestmark = pytest.mark.django_db

KIND = "sourcing.profile"
TRIAL = "replay of recorded orders"
BY_WORD = "sourcing.backorders"
LATER = NOW + timedelta(days=2)


def a_draft(body=None, **facts) -> DraftNow:
    request = DraftPolicy(COMPANY, KIND, body or Profile(nodes_per_order_max=1), **facts)
    (answer,) = draft_policy(CAUSE, requests=[request])
    assert isinstance(answer, DraftNow), answer
    return answer


def tried(**facts) -> DraftNow:
    draft = a_draft(**facts).draft
    (answer,) = attach_trials(CAUSE, requests=[a_trial(draft)])
    assert isinstance(answer, DraftNow), answer
    return answer


def a_trial(draft: UUID, **facts) -> AttachTrial:
    """Evidence of a trial of what `a_draft` keeps."""
    said = {"tried_by": TRIAL, "body": Profile(nodes_per_order_max=1), "summary": "12 splits fewer"}
    return AttachTrial(draft, **(said | {"report": ids.uuid7()} | facts))


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
    attach_trials(CAUSE, requests=[a_trial(draft, report=report)])
    activate_draft(CAUSE, requests=[ActivateDraft(draft, NOW)])

    (row,) = drafts.drafts(COMPANY, KIND)

    assert (row.id, row.state, row.version, row.summary, row.report, row.tried_by) == (
        draft, "active", 1, "12 splits fewer", report, TRIAL,
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
        "try": lambda draft: attach_trials(CAUSE, requests=[a_trial(draft)]),
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
    assert isinstance(attach_trials(CAUSE, requests=[a_trial(draft, summary=" ")])[0], Invalid)
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
        (attach_trials, a_trial(draft, body=Profile(), key="t")),
        (activate_draft, ActivateDraft(draft, NOW, key="a")),
        (drop_draft, DropDraft(a_draft().draft, "no use", key="x")),
    ):
        assert command(CAUSE, requests=[step]) == command(CAUSE, requests=[step])
    assert set(policies.in_force(COMPANY, Profile, NOW)) == {""}


def test_in_one_call_a_draft_is_activated_once():
    draft = tried().draft
    first, second = activate_draft(CAUSE, requests=[ActivateDraft(draft, NOW)] * 2)
    assert (first, isinstance(second, WrongState)) == (DraftNow(draft, "active", 1), True)


@pytest.mark.counts(
    "kernel.activate_draft",
    "kernel.attach_trials",
    "kernel.draft_policy",
    "kernel.drop_draft",
    "kernel.try_draft",
)
def test_statements_do_not_grow_with_the_batch(statements):
    counts = []
    for batch in SIZES:
        with statements() as ran:
            made = draft_policy(CAUSE, requests=[DraftPolicy(COMPANY, KIND, Profile())] * batch)
        counts.append([len(ran.texts)])
        for command, requests in (
            (attach_trials, [a_trial(one.draft, body=Profile()) for one in made]),
            (activate_draft, [ActivateDraft(one.draft, NOW) for one in made]),
        ):
            with statements() as ran:
                command(CAUSE, requests=requests)
            counts[-1].append(len(ran.texts))
        others = draft_policy(CAUSE, requests=[DraftPolicy(COMPANY, BY_WORD, Backorders())] * batch)
        with statements() as ran:
            try_draft(CAUSE, requests=[TryDraft(one.draft, "good") for one in others])
        counts[-1].append(len(ran.texts))
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


# ---- what the house can try comes into force tried


LEAD = Cause(
    Actor("lead", frozenset({"kernel.set_policy", "kernel.set_untried", "kernel.activate_draft"})), NOW
)


def kept(kind: str, body: object) -> UUID:
    (answer,) = draft_policy(CAUSE, requests=[DraftPolicy(COMPANY, kind, body)])
    assert isinstance(answer, DraftNow)
    return answer.draft


def test_a_sentence_is_no_trial_of_what_the_house_can_try():
    (answer,) = try_draft(CAUSE, requests=[TryDraft(a_draft().draft, "looks fine")])
    assert answer == TrialNeeded(kind=KIND, trial=TRIAL, found="a sentence")
    assert TRIAL in answer.message
    assert drafts.drafts(COMPANY)[0].state == "draft"


def test_of_other_kinds_a_person_says_what_came_out():
    draft = kept(BY_WORD, Backorders(tolerance_days=4))
    assert try_draft(CAUSE, requests=[TryDraft(draft, "fewer slip")]) == [DraftNow(draft, "tried")]
    assert drafts.drafts(COMPANY)[0].tried_by == drafts.BY_WORD
    assert activate_draft(LEAD, requests=[ActivateDraft(draft)]) == [DraftNow(draft, "active", 1)]


def test_evidence_is_of_the_kinds_own_trial_and_of_that_very_body():
    draft = a_draft().draft
    other = kept(BY_WORD, Backorders())
    wrong = [
        a_trial(draft, tried_by="a coin"),
        a_trial(draft, body=Profile(nodes_per_order_max=2)),
        a_trial(other, body=Backorders()),
    ]
    answers = attach_trials(CAUSE, requests=wrong)
    assert [one.facts["field"] for one in answers if isinstance(one, Invalid)] == [
        "tried_by",
        "body",
        "tried_by",
    ]
    assert {one.state for one in drafts.drafts(COMPANY)} == {"draft"}
    assert attach_trials(CAUSE, requests=[a_trial(draft)]) == [DraftNow(draft, "tried")]


def test_what_a_sentence_had_tried_before_is_not_activated():
    draft = a_draft().draft
    sql.run(
        "UPDATE kernel_policydraft SET state = 'tried', summary = 'fine', tried_by = 'word' WHERE id = %(id)s",
        {"id": draft},
    )
    assert isinstance(activate_draft(LEAD, requests=[ActivateDraft(draft)])[0], TrialNeeded)
    attach_trials(CAUSE, requests=[a_trial(draft)])
    assert activate_draft(LEAD, requests=[ActivateDraft(draft)]) == [DraftNow(draft, "active", 1)]


def test_people_set_no_version_past_the_trial_of_its_kind():
    asked = [
        policies.SetPolicy(COMPANY, KIND, Profile(), NOW),
        policies.SetPolicy(COMPANY, BY_WORD, Backorders(), NOW),
    ]
    refused, done = policies.set_policy(LEAD, requests=asked)
    assert refused == TrialNeeded(kind=KIND, trial=TRIAL, found="none")
    assert done == policies.PolicySet(BY_WORD, "", 1)
    assert policies.set_policy(LEAD, requests=asked[:1]) == [refused]


def test_who_may_puts_one_in_force_untried_and_says_why():
    asked = policies.SetUntried(COMPANY, KIND, Profile(nodes_per_order_max=1), NOW, " London burns ", key="u")
    silent = policies.SetUntried(COMPANY, KIND, Profile(), NOW, " ")
    misfit = policies.SetUntried(COMPANY, KIND, {"nodes_per_order_max": "many"}, NOW, "why not")

    first, nothing_said, wrong = policies.set_untried(LEAD, requests=[asked, silent, misfit])

    assert first == policies.PolicySet(KIND, "", 1)
    assert (nothing_said.facts["field"], wrong.facts["field"]) == ("reason", "body")
    assert policies.set_untried(LEAD, requests=[asked]) == [first]
    assert [(row.note, row.author) for row in policies.versions(COMPANY, KIND)] == [("London burns", "lead")]
    nobody = Cause(Actor("clerk", frozenset({"kernel.set_policy"})), NOW)
    assert isinstance(policies.set_untried(nobody, requests=[asked])[0], NotPermitted)


@pytest.mark.counts("kernel.set_untried")
def test_statements_of_versions_set_untried_do_not_grow_with_the_batch(statements):
    counts = []
    for batch in SIZES:
        asked = [
            policies.SetUntried(COMPANY, KIND, Profile(), NOW, "why not", f"c{batch}-{n}")
            for n in range(batch)
        ]
        with statements() as ran:
            policies.set_untried(CAUSE, requests=asked)
        counts.append(len(ran.texts))
    assert counts[0] == counts[1] == counts[2]
