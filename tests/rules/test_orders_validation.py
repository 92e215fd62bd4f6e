"""What holds an order: every rule, its examples and what is always true of it."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrepot.orders import validation
from entrepot.orders.rules import Frozen
from entrepot.orders.validation import Earlier, GoodsFact, LineFact, OrderFacts, PaymentFact, Validation
from entrepot.orders.validation.facts import Supply
from entrepot.orders.validation.goods import inventory
from entrepot.orders.validation.taxes import taxable
from entrepot.parties.numbers import Checked
from entrepot.tax.rules import Expected

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


AEROSOL = LineFact(
    "AEROSOL", 1, True, unit_price=Decimal(10), about=GoodsFact("sprays", True, Decimal(20), "3303.00", "GBP")
)
GOOD = OrderFacts(
    at=NOW, country="GB", postal_code="SW1A 1AA", currency="GBP", net_minor=100_00, tax_minor=20_00,
    total_minor=120_00, goods=(LineFact("MUG", 2, True),), payment=PaymentFact(120_00, NOW, None),
    has_address=True, expected_tax=Expected(20_00, "20 % in GB"),
)  # fmt: skip
STRICT = Validation(
    inventory="enforce", duplicates="enforce", expiry="enforce", region="enforce", export="enforce",
    payment_required=True, postal_code_required=True, review_total_minor=500_00, review_orders_per_hour=3,
    regions_refused=("KP", "ES35"), exports_refused=("DRONE>US", "optics>US"),
    cash="enforce", score="enforce", newcomer="enforce", blocked="enforce", hazard="enforce", price="enforce",
    box="enforce", format="enforce", cash_max_minor=150_00, cash_countries=("GB",), newcomer_max_minor=200_00,
    blocked_customers=("C-BAD",), trusted_customers=("C-BAD", "C-OLD"), hazards_refused=("air>", ">US", "sea>GB"),
    box_services_refused=("courier",), velocity="enforce", mismatch="enforce", recompute="enforce", changed="enforce",
    tax_number="enforce", velocity_card_max=2, mismatch_from="postal code", mismatch_above_minor=50_00,
    blocked_fingerprints=("email:" + "AB" * 16,), trusted_fingerprints=("card:" + "00" * 16,), expiry_hours_min=24,
    address_required=True, service="enforce", reservation="enforce",
)  # fmt: skip
AN_HOUR = tuple(Earlier(1_00, NOW - timedelta(minutes=m)) for m in (50, 40, 30))
BAD_NUMBER = Checked("DE1", "DE", "VAT number of DE", "The tax number is no VAT number of DE.")


def test_a_good_order_passes_the_strictest_policy():
    assert validation.judge(GOOD, STRICT) == validation.FINE


CASES = [
    ("payment", "payment hold", replace(GOOD, payment=None)),
    ("payment", "payment hold", replace(GOOD, payment=PaymentFact(119_99, NOW, None))),
    ("payment", "payment hold", replace(GOOD, payment=PaymentFact(120_00, NOW, NOW))),
    ("payment", "payment hold", replace(GOOD, payment=PaymentFact(120_00, NOW - timedelta(days=8), None))),
    ("fraud", "fraud review", replace(GOOD, signals=("high_risk",))),
    ("fraud", "fraud review", replace(GOOD, total_minor=500_00, payment=PaymentFact(500_00, NOW, None))),
    ("fraud", "fraud review", replace(GOOD, recent=AN_HOUR)),
    ("currency", "payment hold", replace(GOOD, payment=PaymentFact(120_00, NOW, None, "EUR"))),
    ("tax", "tax hold", replace(GOOD, tax_minor=36_00, expected_tax=None)),
    ("tax", "tax hold", replace(GOOD, tax_minor=-1, expected_tax=None)),
    ("recompute", "tax hold", replace(GOOD, tax_minor=20_06)),
    ("recompute", "tax hold", replace(GOOD, tax_minor=0)),
    ("recompute", "tax hold", replace(GOOD, expected_tax=Expected(0, "no rate is in force in GB"))),
    ("tax_number", "tax hold", replace(GOOD, tax_number=BAD_NUMBER)),
    ("address", "address hold", replace(GOOD, country="England")),
    ("address", "address hold", replace(GOOD, postal_code="12345")),
    ("address", "address hold", replace(GOOD, postal_code="")),
    ("address", "address hold", replace(GOOD, has_address=False)),
    ("inventory", "inventory hold", replace(GOOD, supply={"MUG": Supply(1)})),
    ("catalog", "inventory hold", replace(GOOD, goods=(LineFact("MUG", 1, True, "discontinued"),))),
    ("catalog", "exception", replace(GOOD, goods=(LineFact("GIN", 1, True, "active", 18),))),
    ("duplicates", "fraud review", replace(
        GOOD, recent=(Earlier(1, NOW - timedelta(minutes=5), (("MUG", 2),)),)
    )),
    ("expiry", "payment hold", replace(
        GOOD, payment=PaymentFact(120_00, NOW, NOW + timedelta(days=2)), promise_at=NOW + timedelta(days=3)
    )),
    ("expiry", "payment hold", replace(GOOD, payment=PaymentFact(120_00, NOW, NOW + timedelta(hours=23)))),
    ("region", "address hold", replace(GOOD, country="KP", postal_code="1")),
    ("region", "address hold", replace(GOOD, country="ES", postal_code="35001")),
    ("export", "exception", replace(
        GOOD, country="US", postal_code="10001", goods=(LineFact("DRONE", 1, True),)
    )),
    ("export", "exception", replace(
        GOOD, country="US", postal_code="10001",
        goods=(LineFact("SCOPE", 1, True, about=GoodsFact("optics", False, None)),),
    )),
    ("cash", "payment hold", replace(GOOD, signals=("cash_on_delivery",), country="FR", postal_code="75001")),
    ("cash", "payment hold", replace(
        GOOD, signals=("cash_on_delivery",), total_minor=150_01, payment=PaymentFact(150_01, NOW, None)
    )),
    ("score", "fraud review", replace(GOOD, signals=("score:81",))),
    ("newcomer", "fraud review", replace(
        GOOD, is_first=True, total_minor=200_01, payment=PaymentFact(200_01, NOW, None)
    )),
    ("velocity", "fraud review", replace(GOOD, sightings={"card": 2})),
    ("velocity", "fraud review", replace(GOOD, sightings={"email": 3, "card": 1})),
    ("mismatch", "fraud review", replace(GOOD, billing_differs="country")),
    ("mismatch", "fraud review", replace(GOOD, billing_differs="postal code")),
    ("blocked", "fraud review", replace(GOOD, customer="c-bad")),
    ("blocked", "fraud review", replace(GOOD, fingerprints=("email:" + "ab" * 16,))),
    ("blocked", "fraud review", replace(GOOD, customer="C-BAD", signals=("score:99",))),
    ("hazard", "exception", replace(GOOD, goods=(AEROSOL,), service="air")),
    ("hazard", "exception", replace(GOOD, goods=(AEROSOL,), service="sea")),
    ("price", "exception", replace(GOOD, goods=(AEROSOL._replace(unit_price=Decimal("9.99")),))),
    ("changed", "exception", replace(GOOD, goods=(
        AEROSOL._replace(listed_then=Decimal(19)),
    ))),
    ("service", "address hold", replace(GOOD, service="NX-42", is_unserved=True)),
    ("reservation", "exception", replace(GOOD, unreserved="cart-1")),
    ("box", "address hold", replace(GOOD, is_to_box=True, service="Courier")),
    ("format", "address hold", replace(GOOD, problems=("The region is missing.",))),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "hold", "order"), CASES)
def test_each_rule_holds_warns_or_is_off(rule, hold, order):
    assert [one.type for one in validation.judge(order, STRICT).holds] == [hold]

    verdict = validation.judge(order, replace(STRICT, **{rule: "warn"}))
    assert (verdict.holds, [name for name, _ in verdict.warnings]) == ((), [rule])

    assert validation.judge(order, replace(STRICT, **{rule: "off"})) == validation.FINE


@given(st.integers(0, 500), st.integers(0, 500), st.none() | st.integers(0, 50))
def test_payments_that_differ_are_held_with_the_difference(paid, total, allowed):
    order = replace(GOOD, total_minor=total, payment=PaymentFact(paid, NOW, None))
    found = validation.payment(order, Validation(payment_differs_max_minor=allowed))

    held = paid < total if allowed is None else abs(paid - total) > allowed
    assert (found is not None) == held
    if found:
        assert found.facts["difference_minor"] == paid - total
        assert ("Less" if paid < total else "More") in found.reason
        assert found.waits_for == (None if paid < total else "nothing"), "no payment puts too much right"


@given(st.integers(1, 99), st.integers(-99, 99), st.integers(0, 48))
def test_an_authorization_must_last_until_the_promised_date_and_as_long_as_is_asked(lasts, promised, least):
    payment = PaymentFact(120_00, NOW, NOW + timedelta(hours=lasts))
    found = validation.expiry(
        replace(GOOD, payment=payment, promise_at=NOW + timedelta(hours=promised)),
        Validation(expiry_hours_min=least),
    )
    assert (found is not None) == (promised > lasts or lasts < least)


@given(st.text("0123456789", min_size=5, max_size=5))
def test_a_region_is_refused_by_the_start_of_its_postal_codes_and_for_goods_alone(code):
    order = replace(GOOD, country="ES", postal_code=code)
    assert (validation.region(order, STRICT) is not None) == code.startswith("35")
    assert validation.region(replace(order, goods=()), STRICT) is None


@given(st.sampled_from(("DRONE", "MUG")), st.sampled_from(("US", "GB")))
def test_export_is_refused_by_sku_and_country_together(sku, country):
    order = replace(GOOD, country=country, goods=(LineFact("PEN", 1, True), LineFact(sku, 1, True)))
    assert (validation.export(order, STRICT) is not None) == ((sku, country) == ("DRONE", "US"))


@given(st.integers(0, 200), st.sampled_from((None, "C-OLD", "C-NEW")))
def test_scores_hold_above_the_limit_and_spare_whom_the_policy_trusts(told, customer):
    found = validation.score(replace(GOOD, signals=(f"score:{told}", "score:x"), customer=customer), STRICT)
    assert (found is not None) == (told > 80 and customer != "C-OLD")


@given(st.integers(0, 300_00), st.booleans(), st.sampled_from((None, "C-OLD")))
def test_a_first_order_is_reviewed_above_its_limit(total, first, customer):
    found = validation.newcomer(replace(GOOD, total_minor=total, is_first=first, customer=customer), STRICT)
    assert (found is not None) == (first and customer is None and total > 200_00)


@given(
    st.decimals(0, 40, places=2), st.none() | st.decimals(0, 40, places=2), st.sampled_from((0.0, 0.3, 1.0))
)
def test_no_price_is_below_its_part_of_the_list_price(price, listed, part):
    line = LineFact("MUG", 1, True, unit_price=price, about=GoodsFact("", False, listed))
    found = validation.price(replace(GOOD, goods=(line,)), Validation(price_floor=part))
    assert (found is not None) == (listed is not None and price < listed * Decimal(str(part)))


@given(st.sampled_from(("", "air", "sea")), st.sampled_from(("GB", "US", "FR")), st.booleans())
def test_hazardous_goods_are_refused_by_service_by_country_or_by_both(service, country, hazardous):
    line = AEROSOL._replace(about=GoodsFact("", hazardous, None))
    order = replace(GOOD, goods=(line,), service=service, country=country)
    refused = service == "air" or country == "US" or (service, country) == ("sea", "GB")
    assert (validation.hazard(order, STRICT) is not None) == (hazardous and refused)


def test_cash_on_delivery_needs_no_payment_where_the_policy_knows_of_it():
    order = replace(GOOD, payment=None, signals=("cash_on_delivery",))
    assert validation.judge(order, STRICT) == validation.FINE
    assert validation.payment(order, replace(STRICT, cash="off")) is not None


@pytest.mark.parametrize(
    ("line", "is_box"),
    [
        ("PO Box 7", True),
        ("P.O. Box 7", True),
        ("Postfach 12", True),
        ("1 Boxwood Road", False),
        ("Depot 3", False),
    ],
)
def test_a_po_box_is_told_by_its_words(line, is_box):
    assert validation.is_box("", line) == is_box


@pytest.mark.parametrize(
    "fields",
    [
        {"regions_refused": ("kp",)}, {"regions_refused": ("XX",)}, {"regions_refused": ("",)},
        {"exports_refused": ("DRONE",)}, {"exports_refused": (">US",)}, {"exports_refused": ("DRONE>us",)},
        {"blocked_customers": ("C-1 ",)}, {"trusted_customers": ("",)}, {"box_services_refused": (" courier",)},
        {"blocked_fingerprints": ("ada@example.com",)}, {"trusted_fingerprints": ("phone:" + "0" * 32,)},
        {"velocity_minutes": 1441}, {"duplicate_minutes": -1}, {"tax_tolerance_minor": -1}, {"changed_max": -0.1},
        {"hazards_refused": (">",)}, {"hazards_refused": ("air",)}, {"cash_countries": ("UK",)}, {"price_floor": -1.0},
    ],
)  # fmt: skip
def test_entries_of_a_policy_that_could_never_match_are_refused_with_what_was_expected(fields):
    with pytest.raises(ValueError, match=f"{next(iter(fields))}: expected .*, found"):
        Validation(**fields)


def test_every_rule_has_a_case_and_a_mode():
    assert {case[0] for case in CASES} == set(validation.RULES)
    assert all(getattr(Validation(), name) in ("enforce", "warn", "off") for name in validation.RULES)


def test_every_rule_and_every_setting_is_told_by_the_page_for_users():
    page = (Path(__file__).parents[2] / "docs/how-to/validate-orders.md").read_text()
    assert [one.name for one in fields(Validation) if f"`{one.name}`" not in page] == []


@pytest.mark.parametrize("mode", ["enforce", "warn", "off"])
def test_what_the_catalog_does_not_know_always_holds(mode):
    unknown = replace(GOOD, goods=(LineFact("MUG", 1, True), LineFact("???", 1, known=False)))
    (hold,) = validation.judge(unknown, replace(STRICT, catalog=mode)).holds
    assert (hold.type, hold.facts) == ("inventory hold", {"unknown": ["???"]})


def test_reasons_of_one_type_make_one_hold():
    both = replace(GOOD, goods=(LineFact("OLD", 1, True, "discontinued"), LineFact("???", 1, known=False)))
    (hold,) = validation.judge(both, STRICT).holds
    assert hold.reason == "Not in the catalog: ???. Discontinued: OLD."
    assert hold.facts == {"unknown": ["???"], "discontinued": ["OLD"]}


def test_age_is_proved_by_years_or_by_the_signal_for_all():
    gin, knife = LineFact("GIN", 1, True, "active", 18), LineFact("KNIFE", 1, True, "active", 21)
    order = replace(GOOD, goods=(gin, knife), signals=("AGE:18",))
    assert validation.catalog(order, STRICT).facts["restricted"] == ["KNIFE"]
    assert validation.catalog(replace(order, signals=("Age_Verified",)), STRICT) is None
    assert validation.catalog(replace(order, signals=("age:21",)), STRICT) is None


def test_age_may_be_proved_and_a_restricted_order_may_be_of_services_only():
    gin = replace(GOOD, goods=(LineFact("GIN", 1, True, "active", 18),), signals=("age_verified",))
    assert validation.judge(gin, STRICT) == validation.FINE
    assert validation.judge(replace(GOOD, goods=(), country=""), STRICT) == validation.FINE


@pytest.mark.parametrize(
    ("country", "postal_code", "fine"),
    [
        ("GB", "sw1a 1aa", True), ("US", "94105-1234", True), ("US", "9410", False), ("DE", "10115", True),
        ("NL", "1012 AB", True), ("CA", "K1A 0B1", True), ("IE", "D02 AF30", True),
        ("IE", "anything", False), ("HK", "anything", True), ("NL", "1012ab", True),
    ],
)  # fmt: skip
def test_postal_codes_are_checked_where_their_form_is_known(country, postal_code, fine):
    verdict = validation.judge(replace(GOOD, country=country, postal_code=postal_code), STRICT)
    assert (verdict == validation.FINE) == fine


@given(st.sampled_from(("", "GBP", "EUR")), st.integers(0, 300_00))
def test_a_payment_is_in_the_currency_of_the_order_and_only_then_compared(currency, paid):
    order = replace(GOOD, payment=PaymentFact(paid, NOW, None, currency))
    is_foreign = currency == "EUR"
    assert (validation.currency(order, STRICT) is not None) == is_foreign
    assert (validation.payment(order, STRICT) is not None) == (not is_foreign and paid < 120_00)


@given(st.integers(-50, 50), st.integers(0, 40), st.sampled_from((0.0, 0.01)))
def test_tax_may_differ_by_the_tolerance_and_no_more(differs, tolerance, part):
    order = replace(GOOD, tax_minor=20_00 + differs)
    policy = Validation(tax_tolerance_minor=tolerance, tax_tolerance=part)
    found = validation.recompute(order, policy)
    assert (found is not None) == (abs(differs) > max(tolerance, 20_00 * part))
    if found:
        assert found.facts["difference_minor"] == differs
        assert found.reason.startswith("Less" if differs < 0 else "More")
        assert found.reason.endswith(": 20 % in GB.")


LINES = st.lists(
    st.tuples(st.sampled_from(("", "books")), st.integers(0, 10_000), st.integers(0, 500)),
    min_size=1,
    max_size=6,
)


@given(LINES, st.booleans())
def test_all_that_is_taxed_is_counted_once(lines, on_shipping):
    told = [("goods", category, Frozen(gross, 0, shipping, 7)) for category, gross, shipping in lines]
    told += [("donation", "", Frozen(99, 0, 0, 0)), ("voucher", "", Frozen(-99, 0, 0, 0))]
    amounts = taxable(told, on_shipping=on_shipping)
    goods, shipping = sum(line[1] for line in lines), sum(line[2] for line in lines)
    assert sum(amounts.values()) == goods + (shipping if on_shipping else 0)
    assert taxable([("shipping", "", Frozen(5, 0, 0, 0))], on_shipping=False) == {}


def test_a_number_that_is_wrong_is_told_by_its_kind_and_never_repeated():
    found = validation.tax_number(replace(GOOD, tax_number=BAD_NUMBER), STRICT)
    assert (found.type, found.facts) == ("tax hold", {"country": "DE", "kind": "VAT number of DE"})
    assert "DE1" not in found.reason
    assert validation.tax_number(replace(GOOD, tax_number=BAD_NUMBER._replace(problem="")), STRICT) is None


@given(
    st.dictionaries(st.sampled_from(("card", "address", "email")), st.integers(0, 6)),
    st.none() | st.integers(0, 5),
    st.sampled_from((None, "C-OLD", "c-old")),
)
def test_orders_by_one_card_address_or_mail_address_are_counted_with_this_one(sightings, most, customer):
    policy = replace(STRICT, velocity_card_max=most, velocity_address_max=most, velocity_email_max=most)
    found = validation.velocity(replace(GOOD, sightings=sightings, customer=customer), policy)
    many = {kind: n + 1 for kind, n in sightings.items() if most is not None and n + 1 > most}
    assert (found is not None) == bool(many and customer is None)
    if found:
        assert found.facts["orders"] == many


@given(
    st.sampled_from(("", "country", "postal code", "street")),
    st.sampled_from(("country", "postal code", "street")),
    st.integers(0, 100_00),
)
def test_billing_elsewhere_holds_from_the_width_and_the_amount_that_the_policy_says(differs, asked, total):
    policy = replace(STRICT, mismatch_from=asked)
    found = validation.mismatch(replace(GOOD, billing_differs=differs, total_minor=total), policy)
    widths = ["country", "postal code", "street"]
    is_wide = bool(differs) and widths.index(differs) <= widths.index(asked)
    assert (found is not None) == (is_wide and total > 50_00)


def test_whom_a_list_trusts_by_fingerprint_is_spared_but_never_from_the_block_list():
    trusted, blocked = "card:" + "00" * 16, "email:" + "ab" * 16
    order = replace(GOOD, sightings={"card": 9}, billing_differs="country", is_first=True, total_minor=999_00,
                    signals=("score:99",), fingerprints=(trusted,))  # fmt: skip
    for rule in (validation.velocity, validation.mismatch, validation.newcomer, validation.score):
        assert rule(order, STRICT) is None
        assert rule(replace(order, fingerprints=()), STRICT) is not None
    found = validation.blocked(replace(order, fingerprints=(trusted, blocked)), STRICT)
    assert found.reason == "On the block list: one mail address."
    assert found.facts == {"fingerprints": [blocked]}


BASKETS = st.lists(st.tuples(st.sampled_from(("MUG", "PEN")), st.integers(1, 2)), min_size=1, max_size=3)


@given(BASKETS, BASKETS, st.integers(0, 20), st.sampled_from(("lines", "total")), st.booleans())
def test_a_duplicate_has_the_same_goods_or_the_same_total_and_is_recent(one, other, minutes, by, same_total):
    order = replace(GOOD, goods=tuple(LineFact(sku, units, True) for sku, units in one))
    basket = replace(GOOD, goods=tuple(LineFact(sku, units, True) for sku, units in other)).basket
    before = Earlier(120_00 if same_total else 1, NOW - timedelta(minutes=minutes), basket)
    found = validation.duplicates(replace(order, recent=(before,)), Validation(duplicate_by=by))
    is_same = same_total if by == "total" else order.basket == basket
    assert (found is not None) == (is_same and minutes <= 10)


def test_lines_cut_otherwise_are_the_same_goods_and_services_alone_are_no_duplicate():
    cut = replace(GOOD, goods=(LineFact("MUG", 1, True), LineFact("MUG", 1, True)))
    assert cut.basket == GOOD.basket == (("MUG", 2),)
    nothing = replace(GOOD, goods=(), recent=(Earlier(120_00, NOW),))
    assert validation.duplicates(nothing, Validation()) is None


def test_customers_of_the_last_hour_are_counted_whatever_the_time_of_duplicates():
    long_ago = Earlier(1, NOW - timedelta(minutes=61))
    order = replace(GOOD, recent=(*AN_HOUR[:2], long_ago))
    assert validation.fraud(order, STRICT) is None
    assert validation.fraud(replace(order, recent=AN_HOUR), STRICT).facts["orders"] == 4


@given(st.decimals(1, 40, places=2), st.decimals(1, 40, places=2), st.sampled_from((0.0, 0.1, 1.0)))
def test_a_list_price_may_have_changed_by_a_part_of_what_it_was(then, now, part):
    line = LineFact("MUG", 1, True, about=GoodsFact("", False, now), listed_then=then)
    found = validation.changed(replace(GOOD, goods=(line,)), Validation(changed_max=part))
    assert (found is not None) == (abs(now - then) > then * Decimal(str(part)))


def test_list_prices_of_another_currency_are_no_floor():
    order = replace(GOOD, goods=(AEROSOL._replace(unit_price=Decimal(1)),))
    assert validation.price(order, STRICT) is not None
    assert validation.price(replace(order, currency="JPY"), STRICT) is None


@pytest.mark.parametrize(
    ("entry", "is_held"),
    [("aerosol>us", True), ("Sprays>US", True), ("hs:33>US", True), ("hs:330300>US", True), ("hs:34>US", False),
     ("hs:3303>GB", False)],
)  # fmt: skip
def test_export_lists_name_skus_categories_and_hs_codes_in_any_case(entry, is_held):
    listed = entry.replace(">us", ">US")
    order = replace(GOOD, country="US", postal_code="10001", goods=(AEROSOL,))
    assert (validation.export(order, Validation(exports_refused=(listed,))) is not None) == is_held


WORDS = (
    "blocked_customers",
    "trusted_customers",
    "box_services_refused",
    "review_signals",
    "hazards_refused",
)


@given(st.sampled_from(WORDS), st.booleans())
def test_lists_match_in_any_case(name, upper):
    word = "WHO-1" if upper else "who-1"
    policy = replace(
        Validation(score_max=0), **{name: (f"{word}>",) if name == "hazards_refused" else (word,)}
    )
    for said in ("Who-1", "who-1", "WHO-1"):
        order = replace(
            GOOD, customer=said, signals=(said, "score:9"), service=said, is_to_box=True, goods=(AEROSOL,)
        )
        rules = {
            "blocked_customers": validation.blocked, "box_services_refused": validation.box,
            "review_signals": validation.fraud, "hazards_refused": validation.hazard,
        }  # fmt: skip
        if name == "trusted_customers":
            assert validation.score(order, policy) is None
        else:
            assert rules[name](order, policy) is not None, name


def test_only_some_rules_are_asked_when_an_address_changes():
    order = replace(GOOD, country="KP", tax_minor=-1, goods=(LineFact("???", 1, known=False),))
    (hold,) = validation.judge(order, STRICT, validation.OF_ADDRESS).holds
    assert hold.type == "address hold"
    assert set(validation.OF_ADDRESS + validation.OF_SERVICE) <= set(validation.RULES)


# ---- units that can be had

TWO = replace(GOOD, goods=(LineFact("MUG", 500, True), LineFact("PEN", 2, True)))


@pytest.mark.parametrize(
    ("mug", "pen", "any_short", "all_short"),
    [
        (Supply(500), Supply(2), {}, {}),
        (Supply(1), Supply(2), {"MUG": 499}, {}),
        (Supply(1), Supply(0), {"MUG": 499, "PEN": 2}, {"MUG": 499, "PEN": 2}),
        (Supply(1, coming=499), Supply(2), {}, {}),
        (Supply(1, coming=400), Supply(2), {"MUG": 99}, {}),
        (Supply(500, taken=1), Supply(2, taken=1), {"MUG": 1, "PEN": 1}, {"MUG": 1, "PEN": 1}),
        (Supply(0, taken=9), Supply(9), {"MUG": 500}, {}),
    ],
)
def test_as_many_units_must_be_had_as_are_wanted(mug, pen, any_short, all_short):
    order = replace(TWO, supply={"MUG": mug, "PEN": pen})
    for strictness, expected in (("any", any_short), ("all", all_short)):
        found = inventory(order, Validation(inventory_short=strictness))
        assert {sku: one["short"] for sku, one in (found.facts["short"] if found else {}).items()} == expected


def test_a_kit_is_asked_for_by_its_components_and_what_nobody_knows_by_the_catalog():
    goods = (
        LineFact("KIT", 0, True),
        LineFact("MUG", 4, True),
        LineFact("MUG", 2, True),
        LineFact("???", 9, False),
    )
    found = inventory(replace(GOOD, goods=goods, supply={"KIT": Supply(0), "MUG": Supply(5)}), Validation())
    assert found is not None
    assert found.reason == "More is wanted than can be had. It lacks: 1 of 6 MUG."
    assert found.facts == {"short": {"MUG": {"wanted": 6, "short": 1, "coming": 0}}, "inventory_short": "all"}
    assert inventory(replace(GOOD, goods=goods), Validation()) is None


supplies = st.builds(Supply, st.integers(0, 9), st.integers(0, 9), st.integers(0, 9))
baskets = st.dictionaries(
    st.sampled_from(["MUG", "PEN", "TIN"]), st.tuples(st.integers(1, 9), supplies), min_size=1
)


def _found(basket, strictness):
    goods = tuple(LineFact(sku, units, True) for sku, (units, _) in basket.items())
    supply = {sku: one for sku, (_, one) in basket.items()}
    return inventory(replace(GOOD, goods=goods, supply=supply), Validation(inventory_short=strictness))


@given(baskets)
def test_what_lacks_of_all_lacks_of_any_and_each_lack_is_told_to_the_unit(basket):
    lacks = {
        sku: units - max(0, one.free + one.coming - one.taken)
        for sku, (units, one) in basket.items()
        if units > max(0, one.free + one.coming - one.taken)
    }
    strict, lenient = _found(basket, "any"), _found(basket, "all")
    assert (strict is not None) == bool(lacks)
    assert (lenient is not None) == (len(lacks) == len(basket))
    for found in (strict, lenient):
        assert found is None or {sku: one["short"] for sku, one in found.facts["short"].items()} == lacks


@given(baskets, st.integers(1, 20))
def test_more_to_be_had_never_holds_what_passed(basket, more):
    richer = {sku: (units, one._replace(free=one.free + more)) for sku, (units, one) in basket.items()}
    for strictness in ("any", "all"):
        assert _found(basket, strictness) is not None or _found(richer, strictness) is None
