"""Bank statements: files read without trust, and what their lines belong to."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from entrepot.kernel import ids
from entrepot.ledger import exchange, rules
from entrepot.settlement import bank, bank_files
from entrepot.settlement.bank import (
    AMOUNT_MAX,
    PARTS_MAX,
    BankLine,
    Expected,
    match,
    misfit_parts,
    sums_to,
    words,
)
from entrepot.settlement.bank_files import UnreadableError

DAY = date(2026, 11, 23)


def a_payout(number: str, amount: int, on: date = DAY, kind: str = "payout") -> Expected:
    return Expected(kind, ids.uuid7(), number, (f"po_{number}",), amount, on)


def test_a_line_goes_to_what_it_names_else_to_the_only_payout_of_its_amount_near_the_day():
    named, near, far = a_payout("PY1", 500), a_payout("PY2", 700), a_payout("PY3", 900, date(2026, 9, 1))
    bill = a_payout("CI1", -300, kind="carrier_invoice")
    found = match(
        [
            BankLine(DAY, 700, "", "STRIPE PAYMENTS"), BankLine(DAY, 500, "", "payout po_PY1."),
            BankLine(DAY, 900), BankLine(DAY, -300, "X1", "your invoice: ci1, thanks"), BankLine(DAY, -300),
        ],
        [named, near, far, bill],
        7,
    )  # fmt: skip
    assert [(one.state, one.known) for one in found] == [
        ("matched", near), ("matched", named), ("unmatched", None), ("matched", bill), ("unmatched", None),
    ]  # fmt: skip
    assert found[2].why == "names nothing that we know"


def test_another_amount_than_that_of_what_it_names_waits_and_so_do_equals():
    one, two = a_payout("PY1", 500), a_payout("PY2", 500)
    (named,) = match([BankLine(DAY, 480, "PY1")], [one, two], 7)
    assert (named.state, named.why) == ("differs", "PY1 is over another amount")
    (equal,) = match([BankLine(DAY, 500)], [one, two], 7)
    assert (equal.state, equal.why) == ("unmatched", "2 payouts have this amount")


def an_order(number: str, *names: str, amount: int = 10_000) -> Expected:
    return Expected("order", ids.uuid7(), number, names, amount, DAY)


def test_a_reference_of_two_customers_says_neither_but_beside_the_number_of_one():
    one, two = an_order("SO-1", "PO1", "4711"), an_order("SO-2", "PO1")
    (both,) = match([BankLine(DAY, 10_000, "", "po1")], [one, two], 7)
    assert (both.state, both.known, both.why) == ("unmatched", None, "2 have this name and amount")
    found = match([BankLine(DAY, 10_000, "", "PO1"), BankLine(DAY, 10_000, "", "PO1 so-2")], [one, two], 7)
    assert [(m.known, m.why) for m in found] == [(one, "names PO1"), (two, "names PO1")], "one is left"
    (other,) = match([BankLine(DAY, 10_000, "", "inv 4711, thanks")], [one, two], 7)
    assert (other.known, other.why) == (one, "names 4711")
    (less,) = match([BankLine(DAY, 9_000, "", "4711")], [one, two], 7)
    assert (less.state, less.why) == ("differs", "SO-1 is over another amount")


def test_a_person_may_say_that_an_order_is_paid_in_parts_and_that_at_most_what_is_open_goes_back():
    open_, owed, payout = an_order("SO-1"), an_order("SO-2", amount=-500), a_payout("PY1", 500)
    assert [open_.takes(amount) for amount in (10_000, 1, 20_000, -1)] == [True, True, True, False]
    assert [owed.takes(amount) for amount in (-500, -1, -501, 1)] == [True, True, False, False]
    assert [payout.takes(amount) for amount in (500, 1)] == [True, False]


def test_what_a_line_names_is_looked_up_and_not_sought():
    class Read(str):
        __slots__ = ()
        times = 0

        def upper(self) -> str:
            Read.times += 1
            return super().upper()

    def read(size: int) -> int:
        Read.times = 0
        orders = [an_order(Read(f"SO-{i}"), Read(f"PO{i}"), amount=i + 1) for i in range(size)]
        lines = [BankLine(DAY, i + 1, "", f"thanks for po{i}") for i in range(size)]
        assert [one.known for one in match(lines, orders, 7)] == orders
        return Read.times

    assert read(1_000) == 10 * read(100)


@given(
    st.lists(st.tuples(st.integers(-3, 3).filter(bool), st.sampled_from(["", "PY0", "PY1 PY2", "po_PY3"])), max_size=6),
    st.lists(st.integers(-3, 3), max_size=4),
)  # fmt: skip
@settings(max_examples=80, suppress_health_check=[HealthCheck.too_slow])
def test_nothing_is_matched_twice_nor_with_another_amount(said, amounts):
    expected = [a_payout(f"PY{i}", amount) for i, amount in enumerate(amounts)]
    found = match([BankLine(DAY, amount, "", text) for amount, text in said], expected, 7)
    assert len(found) == len(said)
    matched = [one for one in found if one.state == "matched"]
    assert all(one.known and one.known.amount == one.line.amount_minor for one in matched)
    assert len({one.known.id for one in matched if one.known}) == len(matched)


def test_balances_are_compared_where_they_are_stated():
    lines = [BankLine(DAY, 5), BankLine(DAY, -2)]
    assert sums_to(10, 13, lines) is None
    assert sums_to(10, 14, lines) == 13
    assert sums_to(None, 14, lines) is None


@given(st.lists(st.integers(-9, 9), max_size=5), st.integers(-20, 20))
def test_parts_of_a_line_make_it(amounts, whole):
    fit = misfit_parts(amounts, whole) == ""
    assert fit == (bool(amounts) and 0 not in amounts and sum(amounts) == whole)


def test_a_line_has_not_parts_without_end():
    assert misfit_parts([1] * PARTS_MAX, PARTS_MAX) == ""
    assert misfit_parts([1] * (PARTS_MAX + 1), PARTS_MAX + 1) != ""
    assert misfit_parts([AMOUNT_MAX + 1, -AMOUNT_MAX], 1) != ""


# ---- files

CAMT = """<?xml version="1.0" encoding="UTF-8"?>
<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"><BkToCstmrStmt><Stmt><Id>2026-11-23</Id>
<Acct><Id><IBAN>GB33BUKB20201555555555</IBAN></Id><Ccy>GBP</Ccy></Acct>
<Bal><Tp><CdOrPrtry><Cd>OPBD</Cd></CdOrPrtry></Tp><Amt Ccy="GBP">100.00</Amt><CdtDbtInd>CRDT</CdtDbtInd></Bal>
<Bal><Tp><CdOrPrtry><Cd>CLBD</Cd></CdOrPrtry></Tp><Amt Ccy="GBP">92.50</Amt><CdtDbtInd>CRDT</CdtDbtInd></Bal>
<Ntry><Amt Ccy="GBP">12.50</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts>
<BookgDt><Dt>2026-11-23</Dt></BookgDt>
<AcctSvcrRef>B1</AcctSvcrRef><NtryDtls><TxDtls><Refs><EndToEndId>po_1</EndToEndId></Refs>
<RltdPties><Dbtr><Pty><Nm>Ada Byron</Nm></Pty></Dbtr></RltdPties>
<RmtInf><Ustrd>PAYOUT  NOV</Ustrd></RmtInf></TxDtls></NtryDtls></Ntry>
<Ntry><Amt Ccy="GBP">20.00</Amt><CdtDbtInd>DBIT</CdtDbtInd><Sts>BOOK</Sts>
<BookgDt><DtTm>2026-11-24T09:00:00</DtTm></BookgDt></Ntry>
<Ntry><Amt Ccy="GBP">99.00</Amt><CdtDbtInd>DBIT</CdtDbtInd><Sts>PDNG</Sts>
<BookgDt><Dt>2026-11-24</Dt></BookgDt></Ntry>
</Stmt></BkToCstmrStmt></Document>"""


def test_a_camt_file_is_its_booked_entries_without_names_of_people():
    (one,) = bank_files.camt(CAMT.encode())
    assert (one.account, one.external_id, one.currency) == ("GB33BUKB20201555555555", "2026-11-23", "GBP")
    assert (one.opening_minor, one.closing_minor) == (10_000, 9_250)
    assert one.lines == (
        BankLine(DAY, 1_250, "B1", "po_1 PAYOUT NOV"),
        BankLine(date(2026, 11, 24), -2_000),
    )
    assert sums_to(one.opening_minor, one.closing_minor, one.lines) is None


def batch(*parts: str, amount: str = "30.00") -> str:
    """A file whose first entry is of several payments that the bank booked at once."""
    details = "".join(parts)
    entry = (
        f'<Ntry><NtryRef>N9</NtryRef><Amt Ccy="GBP">{amount}</Amt><CdtDbtInd>DBIT</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts>'
        f"<BookgDt><Dt>2026-11-23</Dt></BookgDt><AddtlNtryInf>BATCH</AddtlNtryInf>"
        f"<NtryDtls><Btch><NbOfTxs>2</NbOfTxs></Btch>{details}</NtryDtls></Ntry>"
    )
    return f"{CAMT[: CAMT.index('<Bal>')]}{entry}</Stmt></BkToCstmrStmt></Document>"


def paid(amount: str, name: str, way: str = "", currency: str = "GBP") -> str:
    indicator = f"<CdtDbtInd>{way}</CdtDbtInd>" if way else ""
    return (
        f"<TxDtls><Refs><AcctSvcrRef>T{name}</AcctSvcrRef></Refs>"
        f'<AmtDtls><TxAmt><Amt Ccy="{currency}">{amount}</Amt></TxAmt></AmtDtls>{indicator}<RmtInf><Strd><RfrdDocInf>'
        f"<Nb>{name}</Nb></RfrdDocInf></Strd></RmtInf></TxDtls>"
    )


def test_payments_that_a_bank_booked_at_once_are_parts_of_a_line():
    parts = (paid("12.50", "SI1"), paid("20.00", "SI2"), paid("2.50", "CN1", "CRDT"))
    (one,) = bank_files.camt(batch(*parts).encode())
    (line,) = one.lines
    assert line._replace(parts=()) == BankLine(DAY, -3_000, "N9", "BATCH SI1 SI2 CN1")
    assert line.parts == (
        BankLine(DAY, -1_250, "TSI1", "SI1 BATCH"), BankLine(DAY, -2_000, "TSI2", "SI2 BATCH"),
        BankLine(DAY, 250, "TCN1", "CN1 BATCH"),
    )  # fmt: skip


def test_payments_that_a_bank_booked_at_once_are_one_thing_or_each_their_own():
    (one,) = bank_files.camt(batch(paid("600.00", "A"), paid("400.00", "B"), amount="1000.00").encode())
    payout, other = a_payout("PY1", -100_000), a_payout("CI1", -40_000, kind="carrier_invoice")
    (found,) = match(one.lines, [payout], 7)
    assert (found.known, found.line) == (payout, BankLine(DAY, -100_000, "TA", "A BATCH"))
    named = other._replace(names=("B",))
    first, second = match(one.lines, [payout, named], 7)
    assert (first.known, second.known) == (None, named), "a part that names something goes before an amount"
    assert [(part.place, part.whole) for part in (first, second)] == [(0, -100_000), (1, -100_000)]
    whole = payout._replace(names=("B",))
    assert [part.known for part in match(one.lines, [whole, named], 7)] == [whole]


@pytest.mark.parametrize("way", [1, -1])
def test_what_a_line_names_is_not_given_to_another_by_guess_whichever_stands_first(way):
    payout, part = a_payout("abc123", 10_000), a_payout("PY2", 6_000)
    both = BankLine(DAY, 10_000, "A", "", (BankLine(DAY, 6_000), BankLine(DAY, 4_000)))

    def known(*lines: BankLine) -> list[Expected | None]:
        return [one.known for one in match(lines[::way], [payout, part], 7)][::way]

    assert known(both) == [payout]
    assert known(both, BankLine(DAY, 10_000, "", "po_abc123"), BankLine(DAY, 6_000, "", "PY2")) == [
        None, None, payout, part,
    ]  # fmt: skip
    assert known(BankLine(DAY, 10_000), BankLine(DAY, 9_900, "", "po_abc123")) == [None, payout], "differs"
    named = both._replace(parts=(BankLine(DAY, 6_000, "", "PY2"), BankLine(DAY, 4_000)))
    assert payout not in known(named, BankLine(DAY, 6_000, "", "PY2")), (
        "it is its parts, whoever took what one names"
    )


SAID = st.tuples(st.integers(-3, 3).filter(bool), st.sampled_from(["", "", "PY0", "PY1 PY2", "po_PY3"]))


@given(st.lists(st.lists(SAID, min_size=1, max_size=3), max_size=5), st.lists(st.integers(-3, 6), max_size=4))
@settings(max_examples=200, suppress_health_check=[HealthCheck.too_slow])
def test_a_guess_is_never_what_any_line_names(said, amounts):
    expected = [a_payout(f"PY{i}", amount) for i, amount in enumerate(amounts)]
    lines = []
    for parts in said:
        own = tuple(BankLine(DAY, amount, "", text) for amount, text in parts)
        lines.append(
            own[0] if len(own) == 1 else BankLine(DAY, sum(one.amount_minor for one in own), parts=own)
        )
    guesses = [one.known for one in match(lines, expected, 7) if one.known and one.why.startswith("the only")]
    named = set().union(*map(words, lines))
    assert not [one for one in guesses if one.called(named)]


@pytest.mark.parametrize(
    "parts",
    [
        (paid("12.50", "SI1"), paid("20.00", "SI2")), (paid("12.50", "SI1"), paid("17.50", "SI2", currency="EUR")),
        (paid("12.505", "SI1"), paid("17.495", "SI2")), (paid("0.00", "SI1"), paid("30.00", "SI2")),
    ],
)  # fmt: skip
def test_parts_that_do_not_make_their_entry_stay_one_line(parts):
    (one,) = bank_files.camt(batch(*parts).encode())
    assert one.lines == (BankLine(DAY, -3_000, "N9", "BATCH SI1 SI2"),)


BOMB = '<!DOCTYPE a [<!ENTITY x "xx"><!ENTITY y "&x;&x;&x;">]><Document><Stmt><Id>&y;</Id></Stmt></Document>'
OUTSIDE = '<!DOCTYPE a SYSTEM "file:///etc/passwd"><Document/>'


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (BOMB, "document type"), (OUTSIDE, "document type"), ("", "no XML"), ("<a>", "no XML"),
        ("<a>&y;</a>", "no XML"), ("<Document/>", "no statement"),
        ('<?xml version="1.0" encoding="nonsense"?><a/>', "no XML"),
        (CAMT.replace("12.50", "12.505"), "too fine"), (CAMT.replace("CRDT", "WHAT"), "neither CRDT"),
        (CAMT.replace("<Dt>2026-11-23</Dt>", ""), "a day such as"),
        (CAMT.replace("<Id>2026-11-23</Id>", ""), "no account"),
        (CAMT.replace('<Amt Ccy="GBP">20', '<Amt Ccy="EUR">20'), "one currency is expected, found EUR, GBP"),
    ],
)  # fmt: skip
def test_what_can_not_be_read_is_said(text, says):
    with pytest.raises(UnreadableError, match=says):
        bank_files.camt(text.encode())


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
def test_whatever_is_sent_is_read_or_refused(content):
    with pytest.raises(UnreadableError):
        bank_files.camt(content)


@pytest.mark.parametrize(
    ("text", "currency", "minor"),
    [
        ("1.250,00", "EUR", 125_000), ("1,250.00", "GBP", 125_000), ("-7,3", "EUR", -730), ("1 250,5", "EUR", 125_050),
        ("1'250.00", "CHF", 125_000), ("\u22121.234.567,89", "EUR", -123_456_789), ("1,250", "JPY", 1_250),
        ("1.250,500", "KWD", 1_250_500), ("1250", "GBP", 125_000),
        ("1,250", "GBP", None), ("1.250", "GBP", None), ("1.250", "JPY", None), ("1,250", "KWD", None),
        ("1.250", "KWD", 1_250), ("0.500", "GBP", 50), ("-0,500", "EUR", -50), ("0.505", "GBP", None),
        ("0,500", "KWD", 500), ("0.500", "JPY", None), ("0,500.00", "GBP", None),
        ("1,25,000.00", "GBP", None), ("1.250.00", "GBP", None),
        ("12,345,67", "EUR", None), ("", "GBP", None),
    ],
)  # fmt: skip
def test_an_amount_is_read_as_banks_write_it_and_what_could_be_two_is_refused(text, currency, minor):
    file = f"date;amount\n2026-11-23;{text}\n"
    if minor is None:
        with pytest.raises(UnreadableError, match="line 2: an amount"):
            bank_files.table(file, "A", "S1", currency)
    else:
        assert bank_files.table(file, "A", "S1", currency).lines[0].amount_minor == minor


def test_a_csv_file_is_read_by_the_names_of_its_columns():
    text = "Booking date;Amount;Description\n2026-11-23;12.50;po_1\n\n2026-11-24;-0.07;fee\n"
    one = bank_files.table(text, "A", "S1", "GBP")
    assert one.lines == (BankLine(DAY, 1_250, "", "po_1"), BankLine(date(2026, 11, 24), -7, "", "fee"))
    text = "Booking date;Amount\n23.11.2026;-1.250,00\n24.11.2026;-0,07\n"
    assert [(row.booked_on, row.amount_minor) for row in bank_files.table(text, "A", "S1", "GBP").lines] == [
        (DAY, -125_000), (date(2026, 11, 24), -7),
    ]  # fmt: skip
    for wrong, says in (("a,b\n", "no column date"), ("date,amount\n2026-11-23,1.005\n", "line 2: an amount"),
                        ("date,amount\n23/11/2026,1\n", "line 2: a day"),
                        ("date,amount\n2026-11-23,nan\n", "line 2")):  # fmt: skip
        with pytest.raises(UnreadableError, match=says):
            bank_files.table(wrong, "A", "S1", "GBP")


def test_what_is_kept_in_the_company_s_currency_is_booked_where_the_ledger_s_rules_say():
    booked = {kind: to for event, kind, _, to in rules.RULES if event == "bank.booked"}
    assert {name: booked[name] for name in bank.OWN_CURRENCY} == bank.OWN_CURRENCY
    assert set(bank.OWN_CURRENCY.values()) <= {code for code, *_ in rules.CHART} - exchange.MEASURED
    assert booked["other"] == bank.INSTEAD
