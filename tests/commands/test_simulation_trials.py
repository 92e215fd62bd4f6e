"""simulation: ask_trials, report_trials, keep_trials, withdraw_trials, and the replay that they tell of"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from entrepot.catalog.commands.register_kits import Component, RegisterKit, register_kits
from entrepot.kernel import drafts, ids, policies, ready, sql, wire
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import whole
from entrepot.kernel.drafts import DraftPolicy, draft_policy
from entrepot.kernel.errors import Invalid, NotFound, Refused, WrongState
from entrepot.orders.commands.cancel import CancelOrder
from entrepot.parties.commands.register import RegisterCustomer, register_customers
from entrepot.shipping.commands.ship import ShipFulfillment, ship
from entrepot.simulation import queries, tasks, whatif
from entrepot.simulation.commands.try_profiles import (
    AskTrial,
    KeepTrial,
    ReportTrial,
    TrialNow,
    ask_trials,
    keep_trials,
    report_trials,
)
from entrepot.simulation.commands.withdraw_trials import WithdrawTrial, withdraw_trials
from entrepot.simulation.errors import NothingDecided
from entrepot.simulation.whatif import Report
from entrepot.sourcing.commands.allocate import AllocateOrder, allocate
from entrepot.sourcing.commands.cancel import cancel
from entrepot.sourcing.rules import DropShip, Offline, Profile
from entrepot.stock.commands.adjust import Adjust, adjust
from entrepot.stock.commands.set_floor import SetSafety, set_safety
from entrepot.warehouse.commands.pack import PackFulfillment, pack
from entrepot.warehouse.commands.pick import PickFulfillment, pick
from entrepot.warehouse.commands.release import ReleaseOrder, release
from tests.floor import COMPANY, NOW, SYSTEM, Floor, a_floor
from tests.sizes import SIZES

KIND = "sourcing.profile"
DAY = datetime(2026, 11, 23, tzinfo=UTC)
NOT_N1 = Profile(excluded_nodes=("N1",))


@pytest.fixture
def floor(db: None) -> Floor:
    return a_floor()


def at(hours: float) -> Cause:
    return replace(SYSTEM, at=NOW + timedelta(hours=hours))


def decided(floor: Floor, hours: float, *lines: tuple[int, int], **facts: object):
    """The key of an order that was sourced at an hour."""
    order = floor.order(*lines, **facts).order
    allocate(at(hours), requests=[AllocateOrder(order)])
    return order


def tried(draft: Profile = NOT_N1, scope: str = "", since=DAY, until=DAY + timedelta(days=1)) -> Report:
    report = whatif.tried(COMPANY, draft, scope, since, until, NOW + timedelta(days=9))
    assert isinstance(report, Report), report
    return report


def a_draft(body: Profile = NOT_N1, **facts: object):
    (one,) = draft_policy(SYSTEM, requests=[DraftPolicy(COMPANY, KIND, body, **facts)])  # type: ignore[arg-type]
    return one.draft  # type: ignore[union-attr]


def before_and_after(report: Report) -> list[tuple[str, tuple[str, ...], tuple[str, ...], int]]:
    return [(one.number, one.before, one.after, one.lacks_after) for one in report.found.changed]


# ---- the replay


def test_a_draft_sends_recorded_orders_another_way_and_says_why(floor: Floor) -> None:
    floor.stock(quantity=9)
    floor.stock(quantity=3, node=1)
    for hour in range(3):
        decided(floor, hour, (0, 2))

    found = tried().found

    assert (found.trust.orders, found.trust.same) == (3, 3)
    assert [(one.before, one.after, one.lacks_after) for one in found.changed] == [
        (("N1",), ("N2",), 0), (("N1",), ("N2",), 1), (("N1",), (), 2),
    ]  # fmt: skip
    assert found.changed[0].why == "N1 is excluded; N2 is the preferred node that has all of it"
    assert (found.before.figures.waiting, found.after.figures.waiting) == (0, 3)
    assert [load.units for load in found.after.nodes] == [0, 3]


def test_what_happened_is_reproduced_from_any_moment_on(floor: Floor) -> None:
    """Stock as of the beginning is told by the ledger: less what is promised, with what came and went since."""
    floor.stock(quantity=4)
    floor.stock(quantity=9, node=1)
    for hour, units in enumerate((2, 1, 3, 1, 2)):
        order = decided(floor, hour, (0, units))
        if hour in (0, 2):
            _send(order, hour)

    for hours in (-9, 0.5, 1.5, 2.5, 3.5):
        found = tried(Profile(), since=NOW + timedelta(hours=hours)).found
        assert found.trust.same == found.trust.orders > 0
        assert found.changed == ()


def _send(order, hour: float) -> None:
    (released,) = release(at(hour), requests=[ReleaseOrder(order)])
    (one,) = released.fulfillments
    pick(at(hour), requests=[PickFulfillment(one)])
    pack(at(hour), requests=[PackFulfillment(one)])
    ship(at(hour + 0.1), requests=[ShipFulfillment(one)])


def test_what_waits_is_served_by_what_comes_as_it_was(floor: Floor) -> None:
    order = decided(floor, 0, (0, 5))
    _receive(floor, 4, hours=2)
    allocate(at(2), requests=[AllocateOrder(order)])
    _receive(floor, 9, hours=4)
    allocate(at(4), requests=[AllocateOrder(order)])
    decided(floor, 5, (0, 3))

    whole = tried(Profile()).found
    later = tried(Profile(), since=NOW + timedelta(hours=3))

    assert whole.before.figures.backordered == 5
    assert whole.before.figures.unit_days == round((5 * 2 + 1 * 2) / 24, 3)
    assert whole.trust.same == whole.trust.orders == 2
    assert (later.waiting, later.found.trust.same, later.found.trust.orders) == (1, 1, 1)
    assert [load.units for load in later.found.before.nodes] == [4, 0]


def test_what_left_of_an_order_that_still_waits_is_not_promised_any_more(floor: Floor) -> None:
    floor.stock(quantity=2)
    _send(decided(floor, 0, (0, 5)), 0)
    _receive(floor, 4, hours=2)

    decided(floor, 3, (0, 3))
    later = tried(Profile(), since=NOW + timedelta(hours=1))

    # 2 came and left before, so that 4 are there: 3 for the one that waits, 1 for the new one.
    assert later.waiting == 1
    assert (later.found.before.figures.units, later.found.before.figures.waiting) == (1, 2)


def test_what_was_promised_before_is_free_when_its_customer_cancels(floor: Floor) -> None:
    floor.stock(quantity=2)
    first = decided(floor, 0, (0, 2))
    decided(floor, 2, (0, 1))
    cancel(at(3), requests=[CancelOrder(first, "changed my mind")])
    decided(floor, 4, (0, 1))

    found = tried(Profile(), since=NOW + timedelta(hours=1)).found

    assert (found.trust.same, found.trust.orders) == (2, 2)
    assert (found.before.figures.backordered, found.before.figures.units) == (1, 2)
    assert found.before.figures.unit_days == round(1 / 24, 3)


def _receive(floor: Floor, units: int, hours: float, sku: int = 0) -> None:
    from entrepot.stock.commands.receive import Receive, receive

    where = floor.nodes[0]
    receive(
        at(hours),
        requests=[
            Receive(COMPANY, floor.skus[sku], where, floor.bin(), units, 100 * units, "receipt", ids.uuid7())
        ],
    )


def test_losses_safety_stock_and_cancellations_of_the_record_count(floor: Floor) -> None:
    floor.stock(quantity=6)
    set_safety(SYSTEM, requests=[SetSafety(COMPANY, floor.skus[0], floor.nodes[0], 1)])
    first = decided(floor, 0, (0, 2))
    lost = Adjust(COMPANY, floor.skus[0], floor.nodes[0], floor.bin(), -2, "damage", occurred_at=at(1).at)
    adjust(at(1), requests=[lost])
    decided(floor, 2, (0, 2))
    cancel(at(3), requests=[CancelOrder(first, "changed my mind")])
    decided(floor, 4, (0, 2))

    found = tried(Profile()).found

    # 6 − 1 kept back − 2 − 2 lost = 1 for the second; 2 come back, of which one is owed to it.
    assert found.before.figures.waiting == 1
    assert found.before.figures.units == 3


def test_a_draft_for_a_channel_leaves_the_others_alone(floor: Floor) -> None:
    floor.stock(quantity=9)
    floor.stock(quantity=9, node=1)
    decided(floor, 0, (0, 1))
    market = decided(floor, 1, (0, 1), channel="market")

    found = tried(scope="market").found

    assert [one.order for one in found.changed] == [market]
    assert {code: one.orders for code, one in found.after.channels.items()} == {"market": 1, "shop": 1}


def test_orders_that_another_version_decided_are_told(floor: Floor) -> None:
    floor.stock(quantity=9)
    floor.stock(quantity=9, node=1)
    decided(floor, 0, (0, 1))
    policies.set_policy(SYSTEM, requests=[policies.SetPolicy(COMPANY, KIND, NOT_N1, at(1).at)])
    decided(floor, 2, (0, 1))

    report = tried(Profile())

    assert (report.version, report.found.trust.same, report.found.trust.by_another) == (1, 1, 1)
    assert tried(Profile(), scope="market").version == 1, (
        "of all channels, which the channel's draft would go before"
    )
    assert len(report.found.changed) == 2


def test_only_tiers_that_were_changed_since_are_not_followed(floor: Floor) -> None:
    floor.stock(0, 9)
    told = [RegisterCustomer(COMPANY, "gilda", "gold"), RegisterCustomer(COMPANY, "ada", "silver")]
    whole(register_customers(at(-1), requests=told))
    for customer in ("gilda", "ada"):
        decided(floor, 1, (0, 1), customer=customer, occurred_at=at(1).at)
    profile = Profile(tier_priority={"gold": 10})

    assert tried(profile).not_followed == ()

    whole(register_customers(at(2), requests=[RegisterCustomer(COMPANY, "gilda", "")]))
    report = tried(profile)
    assert (report.not_followed, report.concerns["customers"]) == (("customers",), 1)


@pytest.mark.parametrize(
    "profile",
    [
        Profile(offline=(Offline("N1", DAY.date()),)),
        Profile(offline=(Offline("N1", DAY.date() - timedelta(days=9), DAY.date() - timedelta(days=1)),)),
        Profile(minimum_stock={"N1": 7}),
        Profile(minimum_stock={"N1": 7}, minimum_rule="soft"),
        Profile(kinds_last=("warehouse",)),
        Profile(ship_days_max=0, ship_rule="hard"),
        Profile(default_lead_days=3, nodes_per_order_max=1),
    ],
)
def test_what_a_profile_decided_is_what_its_replay_decides(floor: Floor, profile: Profile) -> None:
    kit = RegisterKit(COMPANY, floor.codes[2], (Component(floor.codes[0], 2), Component(floor.codes[1], 1)))
    register_kits(SYSTEM, requests=[kit])
    for sku, node, units in ((0, 0, 9), (1, 0, 4), (0, 1, 20), (1, 1, 2)):
        floor.stock(sku, units, node=node)
    policies.set_policy(SYSTEM, requests=[policies.SetPolicy(COMPANY, KIND, profile, DAY)])
    for hours, lines in enumerate((((0, 3),), ((2, 2),), ((0, 4), (1, 1)), ((2, 3),), ((1, 3),))):
        decided(floor, hours, *lines)

    report = tried(profile)

    assert report.found.trust.same == 5
    assert report.not_followed == ()


@pytest.mark.parametrize(
    ("draft", "why"),
    [
        (Profile(offline=(Offline("N1", DAY.date()),)), "N1 is offline on that day"),
        (Profile(excluded_nodes=("N1",)), "N1 is excluded"),
    ],
)
def test_an_order_that_goes_another_way_says_which_rule_kept_it(
    floor: Floor, draft: Profile, why: str
) -> None:
    floor.stock(quantity=9)
    floor.stock(quantity=9, node=1)
    decided(floor, 0, (0, 1))

    (changed,) = tried(draft).found.changed

    assert changed.after == ("N2",)
    assert why in changed.why


def test_what_the_record_does_not_tell_is_named_where_it_matters(floor: Floor) -> None:
    floor.stock(quantity=9)
    decided(floor, 0, (0, 1))
    decided(floor, 1, (0, 1), reservation="cart-7")

    assert tried().concerns == {"carts": 1}
    assert tried(Profile(shipments_of={"sofas": 1})).concerns == {"carts": 1, "catalog": 2}
    assert tried(Profile(drop_ship=(DropShip("ACME"),))).concerns == {"carts": 1, "suppliers": 2}


def test_nodes_that_nobody_knows_are_named(floor: Floor) -> None:
    floor.stock(quantity=9)
    decided(floor, 0, (0, 1))

    assert tried(Profile(excluded_nodes=("N1", "N9"))).strangers == ("N9",)


def test_so_are_all_other_names_that_nothing_has(floor: Floor) -> None:
    floor.stock(quantity=9)
    decided(floor, 0, (0, 1))
    draft = Profile(
        offline=(Offline("N1", DAY.date()), Offline("N8", DAY.date())), kinds_last=("store", "stroe"),
        minimum_stock={"N1": 2, "3pl": 1, "shop": 1}, shipments_of={floor.codes[0]: 1, "sofas": 1},
        tier_priority={"gold": 9}, drop_ship=(DropShip("ACME", skus=(floor.codes[1], "lamps")),),
    )  # fmt: skip

    assert tried(draft).strangers == ("ACME", "N8", "gold", "lamps", "shop", "sofas", "stroe")


def test_no_supplier_matters_to_a_channel_whose_profile_names_none(floor: Floor) -> None:
    floor.stock(quantity=9)
    decided(floor, 0, (0, 1))
    assert tried(Profile(drop_ship=(DropShip("ACME"),)), scope="market").concerns == {}


@pytest.mark.parametrize(
    ("facts", "code"),
    [
        ({"until": DAY}, "kernel.invalid"),
        ({"scope": "moon"}, "kernel.invalid"),
        (
            {"since": DAY - timedelta(days=400), "until": DAY - timedelta(days=300)},
            "simulation.nothing_decided",
        ),
    ],
)
def test_a_window_that_can_tell_nothing_is_refused(floor: Floor, facts: dict, code: str) -> None:
    floor.stock(quantity=9)
    decided(floor, 0, (0, 1))
    asked = {"scope": "", "since": DAY, "until": DAY + timedelta(days=1)} | facts

    answer = whatif.tried(COMPANY, NOT_N1, asked["scope"], asked["since"], asked["until"], NOW)

    assert isinstance(answer, Refused)
    assert answer.code == code
    if code == "simulation.nothing_decided":
        assert "from 2026-11-23 to 2026-11-23" in answer.message


def test_where_nothing_was_ever_decided_that_is_said(floor: Floor) -> None:
    answer = whatif.tried(COMPANY, NOT_N1, "", DAY, DAY + timedelta(days=1), NOW)

    assert isinstance(answer, NothingDecided)
    assert "yet at all" in answer.message


def digests() -> dict[str, str]:
    """What every table of the database holds."""
    tables = [
        name
        for (name,) in sql.run(
            "SELECT table_name::text FROM information_schema.tables WHERE table_schema = 'public'"
            " AND table_type = 'BASE TABLE' ORDER BY 1"
        )
    ]
    return {
        name: sql.run(f"SELECT md5(string_agg(t::text, '|' ORDER BY t::text)) FROM {name} AS t")[0][0]
        for name in tables
    }


def test_a_replay_writes_nothing_and_comes_out_the_same(floor: Floor, statements) -> None:
    floor.stock(quantity=9)
    floor.stock(quantity=3, node=1)
    counts = []
    for size in (1, 10, 100):
        for _ in range(size):
            decided(floor, 0, (0, 1), (1, 1))
        before = digests()
        with statements() as ran:
            first = tried(Profile(choose_by="cost", split_minor=10))
        counts.append(len(ran))
        assert first == tried(Profile(choose_by="cost", split_minor=10))
        assert digests() == before
    assert len(set(counts)) == 1, counts
    assert counts[0] <= 30


# ---- trials


def asked(floor: Floor, draft=None) -> TrialNow:
    (answer,) = ask_trials(
        SYSTEM, requests=[AskTrial(COMPANY, draft or a_draft(), DAY, DAY + timedelta(days=1))]
    )
    assert isinstance(answer, TrialNow), answer
    return answer


def test_a_trial_is_asked_for_made_by_the_worker_and_told_to_its_draft(floor: Floor) -> None:
    floor.stock(quantity=9)
    floor.stock(quantity=9, node=1)
    decided(floor, 0, (0, 1))
    draft = a_draft(note="N1 is being rebuilt")
    trial = asked(floor, draft).trial
    assert queries.trial(trial).state == "asked"
    assert queries.report(trial) is None

    assert ready.claim("whatif", 9) == [trial]
    tasks.serve_whatif(at(9), [trial])

    row = queries.trial(trial)
    assert (row.state, row.draft) == ("done", draft)
    assert queries.report(trial) == tried()
    (held,) = drafts.drafts(COMPANY, KIND)
    assert (held.state, held.report, held.summary) == ("tried", trial, row.summary)
    assert row.summary.startswith("1 orders, 1 go another way")
    assert [one.id for one in queries.trials(company=COMPANY)] == [trial]


def test_a_trial_of_nothing_fails_and_the_draft_is_not_tried(floor: Floor) -> None:
    trial = asked(floor).trial

    tasks.serve_whatif(at(9), [trial])

    assert queries.trial(trial).state == "failed"
    assert "yet at all" in queries.trial(trial).summary
    assert drafts.drafts(COMPANY, KIND)[0].state == "draft"


def test_a_draft_that_was_dropped_meanwhile_stays_so(floor: Floor) -> None:
    floor.stock(quantity=9)
    decided(floor, 0, (0, 1))
    draft = a_draft()
    trial = asked(floor, draft).trial
    drafts.drop_draft(SYSTEM, requests=[drafts.DropDraft(draft, "no use")])

    tasks.serve_whatif(at(9), [trial])

    assert queries.trial(trial).state == "done"
    assert drafts.drafts(COMPANY, KIND)[0].state == "dropped"


def test_what_can_not_be_tried_is_refused(floor: Floor) -> None:
    week = (DAY, DAY + timedelta(days=7))
    dropped, good = a_draft(), a_draft()
    drafts.drop_draft(SYSTEM, requests=[drafts.DropDraft(dropped, "no use")])

    answers = ask_trials(
        SYSTEM,
        requests=[
            AskTrial(COMPANY, ids.uuid7(), *week), AskTrial(COMPANY + 1, good, *week),
            AskTrial(COMPANY, dropped, *week), AskTrial(COMPANY, good, week[1], week[0]),
        ],
    )  # fmt: skip

    assert [type(one) for one in answers] == [NotFound, NotFound, Invalid, Invalid]
    assert queries.trials(company=COMPANY) == []
    assert ready.claim("whatif", 9) == []


def test_a_report_is_kept_once(floor: Floor) -> None:
    floor.stock(quantity=9)
    decided(floor, 0, (0, 1))
    trial, report = asked(floor).trial, tried()

    first, again, unknown = report_trials(
        SYSTEM,
        requests=[
            ReportTrial(trial, report),
            ReportTrial(trial, problem="late"),
            ReportTrial(ids.uuid7(), report),
        ],
    )

    assert (first, type(again), type(unknown)) == (TrialNow(trial, "done"), WrongState, NotFound)


def test_a_trial_of_the_command_line_is_kept_with_its_draft_or_without(floor: Floor) -> None:
    floor.stock(quantity=9)
    decided(floor, 0, (0, 1))
    draft, report = a_draft(), tried()

    mine, loose = keep_trials(
        SYSTEM, requests=[KeepTrial(COMPANY, report, draft), KeepTrial(COMPANY, report)]
    )

    assert queries.report(loose.trial) == queries.report(mine.trial) == report
    assert drafts.drafts(COMPANY, KIND)[0].report == mine.trial


def test_again_by_key_answers_the_same(floor: Floor) -> None:
    floor.stock(quantity=9)
    decided(floor, 0, (0, 1))
    ask = AskTrial(COMPANY, a_draft(), DAY, DAY + timedelta(days=1), key="a")
    keep = KeepTrial(COMPANY, tried(), key="k")

    (one,) = ask_trials(SYSTEM, requests=[ask])

    assert ask_trials(SYSTEM, requests=[ask]) == [one]
    assert keep_trials(SYSTEM, requests=[keep]) == keep_trials(SYSTEM, requests=[keep])
    tell = ReportTrial(one.trial, problem="nothing", key="t")
    assert report_trials(SYSTEM, requests=[tell]) == report_trials(SYSTEM, requests=[tell])
    assert len(queries.trials(company=COMPANY)) == 2


@pytest.mark.counts(
    "simulation.ask_trials",
    "simulation.keep_trials",
    "simulation.report_trials",
    "simulation.withdraw_trials",
)
def test_statements_do_not_grow_with_the_batch(floor: Floor, statements) -> None:
    floor.stock(quantity=9)
    decided(floor, 0, (0, 1))
    report, counts = tried(), []
    for size in SIZES:
        made = draft_policy(SYSTEM, requests=[DraftPolicy(COMPANY, KIND, NOT_N1)] * size)
        ask = [AskTrial(COMPANY, one.draft, DAY, DAY + timedelta(days=1)) for one in made]
        with statements() as ran:
            trials = ask_trials(SYSTEM, requests=ask)
        counts.append([len(ran)])
        with statements() as ran:
            report_trials(SYSTEM, requests=[ReportTrial(one.trial, report) for one in trials])
        counts[-1].append(len(ran))
        with statements() as ran:
            keep_trials(SYSTEM, requests=[KeepTrial(COMPANY, report, one.draft) for one in made])
        counts[-1].append(len(ran))
        given_up = ask_trials(SYSTEM, requests=ask)
        with statements() as ran:
            withdraw_trials(SYSTEM, requests=[WithdrawTrial(one.trial) for one in given_up])
        counts[-1].append(len(ran))
    assert counts[0] == counts[1] == counts[2], counts


def test_a_trial_is_withdrawn_once_and_its_report_comes_too_late(floor: Floor) -> None:
    floor.stock(quantity=9)
    decided(floor, 0, (0, 1))
    (draft,) = draft_policy(SYSTEM, requests=[DraftPolicy(COMPANY, KIND, NOT_N1)])
    (asked,) = ask_trials(SYSTEM, requests=[AskTrial(COMPANY, draft.draft, DAY, DAY + timedelta(days=1))])
    wanted = [WithdrawTrial(asked.trial, key="w"), WithdrawTrial(ids.uuid7())]
    now, unknown = withdraw_trials(SYSTEM, requests=wanted)
    assert (now.state, type(unknown)) == ("withdrawn", NotFound)
    assert withdraw_trials(SYSTEM, requests=wanted)[0] == now
    assert isinstance(withdraw_trials(SYSTEM, requests=[WithdrawTrial(asked.trial)])[0], WrongState)
    assert isinstance(report_trials(SYSTEM, requests=[ReportTrial(asked.trial, tried())])[0], WrongState)
    tasks.serve_whatif(SYSTEM, [asked.trial])  # nothing is left to do
    found = queries.trial(asked.trial)
    assert found and (found.state, found.summary) == ("withdrawn", "")


def test_a_report_survives_its_keeping(floor: Floor) -> None:
    floor.stock(quantity=9)
    decided(floor, 0, (0, 1))
    report = tried()

    assert wire.load(wire.dump(report), Report) == report
