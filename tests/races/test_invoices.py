"""Who writes documents at once writes each once, and leaves no number out."""

from __future__ import annotations

import random
from decimal import Decimal
from uuid import UUID

from entrepot.kernel import sql
from entrepot.kernel.command import rehearse, whole
from entrepot.ledger.commands.open_books import OpenBooks, open_books
from entrepot.network.commands.register import RegisterChannel, register_channels
from entrepot.orders.commands.approve_credits import ApproveCredit, approve_credits
from entrepot.orders.commands.credit import CreditItem, CreditWithoutSale, credit
from entrepot.parties.commands.register import RegisterCompany, register_companies
from entrepot.settlement import invoice_queries
from entrepot.settlement.commands.issue_documents import IssueDocument, issue_documents
from tests.commands.test_settlement_invoices import issue
from tests.floor import COMPANY, SYSTEM, someone
from tests.together import at_once
from tests.walk import a_house, placed, shipped


def test_numbers_are_drawn_once_and_leave_no_gap(committed_db):
    house = a_house()
    house.stock(0, 20)
    shipments = shipped(*placed(house, 8, (0, 1)))

    told = at_once([lambda part=part: issue(*part) for part in (shipments, shipments[::-1], shipments[3:6])])

    numbers = sorted(row.number for row in invoice_queries.documents(COMPANY))
    assert numbers == [f"INV-2026-{place:06}" for place in range(1, 9)]
    assert {one.source: one.numbers for one in told[0]} == {one.source: one.numbers for one in told[1]}


COMPANIES = (1, 2)


def credited(company: int, many: int) -> list[UUID]:
    """Credits of a company, entered by one person and booked by another."""
    register_channels(SYSTEM, requests=[RegisterChannel(company, "shop", "Shop", "GBP")])
    goods = (CreditItem("goods", "GONE", 1, Decimal(10)),)
    wanted = [CreditWithoutSale(company, "shop", str(place), goods, "GBP") for place in range(many)]
    sources = [one.credit for one in whole(credit(someone("enters"), requests=wanted))]
    whole(approve_credits(someone("approves"), requests=[ApproveCredit(one) for one in sources]))
    return sources


def test_numbers_of_each_company_leave_no_gap_whoever_is_fast_or_fails(committed_db):
    register_companies(SYSTEM, requests=[
        RegisterCompany(one, f"c{one}", f"C{one} Ltd", "GBP", "GB") for one in COMPANIES
    ])  # fmt: skip
    open_books(SYSTEM, requests=[OpenBooks(one) for one in COMPANIES])
    sources = [source for company in COMPANIES for source in credited(company, 30)]
    chance = random.Random(7)

    def some() -> list[IssueDocument]:
        return [IssueDocument(one) for one in chance.sample(sources, 20)]

    batches = [some() for _ in range(8)] + [[IssueDocument(one) for one in sources]]
    taken_back = [some() for _ in range(4)]
    at_once([
        *(lambda batch=batch: issue_documents(SYSTEM, requests=batch) for batch in batches),
        *(lambda batch=batch: rehearse(issue_documents, SYSTEM, batch) for batch in taken_back),
    ])  # fmt: skip

    found = sql.run("SELECT company_id::int, kind, array_agg(sequence ORDER BY sequence) FROM settlement_document"
                    " GROUP BY 1, 2 ORDER BY 1, 2")  # fmt: skip
    assert found == [(company, "credit_note", list(range(1, 31))) for company in COMPANIES]
    assert invoice_queries.discrepancies() == []
