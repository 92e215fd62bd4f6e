"""Lists: their order, their sums, their cells; the page behind a row; boards of figures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrepot.kernel.keyset import keyset
from entrepot.web import boards
from entrepot.web.boards import Tile
from entrepot.web.listing import Head, Listing, Sum, cells_of, in_order, next_order, sums_of


@dataclass(frozen=True)
class Row:
    id: UUID
    company: int
    name: str
    units: int | None
    total_minor: int
    currency: str
    tags: tuple[str, ...] = ()


def row(name: str, units: int | None = 0, total: int = 0, currency: str = "EUR") -> Row:
    return Row(UUID(int=1), 1, name, units, total, currency, ("a", "b"))


PLAIN = Listing(
    "things", "things",
    (Head("Name", by="name"), Head("Units", "units", "units", n=True, sum="units"),
     Head("Total", "total", n=True, sum="total_minor")),
    cells_of(Row), "name",
)  # fmt: skip
AFTER = UUID(int=7)
KNOWN = ("a", "b", "c", "d")


def test_a_list_is_put_only_in_an_order_that_a_head_offers():
    assert PLAIN.ordered("-units") == "-units"
    assert PLAIN.ordered("total_minor") == "name"
    assert PLAIN.ordered("") == "name"
    assert PLAIN.fixed
    assert set(PLAIN.columns) == {"units", "total"}


def test_a_click_turns_the_order_round_and_begins_with_the_largest_number():
    name, units, _ = PLAIN.heads
    assert next_order(name, "") == "name"
    assert next_order(name, "name") == "-name"
    assert next_order(name, "-name") == "name"
    assert next_order(units, "name") == "-units"
    assert next_order(Head("Placed", by="placed_at"), "") == "-placed_at"


def test_what_has_no_value_comes_last_either_way():
    rows = [row("b", 2), row("A", None), row("c", 1)]
    assert [one.name for one in in_order(rows, "units")] == ["c", "b", "A"]
    assert [one.name for one in in_order(rows, "-units")] == ["b", "c", "A"]
    assert [one.name for one in in_order(rows, "name")] == ["A", "b", "c"]
    assert in_order(rows, "") == rows


@given(st.lists(st.one_of(st.none(), st.integers(-9, 9)), max_size=12), st.booleans())
def test_an_order_loses_no_row(values, down):
    rows = [row(str(place), value) for place, value in enumerate(values)]
    ordered = in_order(rows, "-units" if down else "units")
    assert sorted(one.name for one in ordered) == sorted(one.name for one in rows)
    there = [one.units for one in ordered if one.units is not None]
    assert there == sorted(there, reverse=down)


def test_amounts_are_added_for_each_currency_and_units_once():
    rows = [row("a", 1, 100), row("b", None, 50), row("c", 3, 10, "GBP")]
    assert sums_of(PLAIN, rows) == [Sum("Units", 4, ""), Sum("Total", 150, "EUR"), Sum("Total", 10, "GBP")]


def test_a_file_has_every_field_as_a_spreadsheet_reads_it():
    cells = {name: cell(row("a", 2, 1234)) for name, cell in cells_of(Row).items()}
    assert cells == {
        "id": str(UUID(int=1)), "name": "a", "units": 2, "total": Decimal("12.34"), "currency": "EUR", "tags": "a, b",
    }  # fmt: skip


ORDERS: Mapping[str, tuple[str, ...]] = {"at": (), "due": ("{row}.due", "{row}.rank")}


def test_a_page_behind_a_row_is_read_by_the_columns_of_an_index():
    assert keyset("t", "o", ORDERS, "-at", None) == ("", "ORDER BY o.id DESC")
    behind, order = keyset("t", "o", ORDERS, "due", AFTER)
    assert order == "ORDER BY o.due, o.rank, o.id"
    assert behind.startswith(
        "AND (o.due, o.rank, o.id) > (SELECT last_row.due, last_row.rank, last_row.id FROM t"
    )
    assert keyset("t", "o", ORDERS, "-due", AFTER).behind.startswith("AND (o.due, o.rank, o.id) <")
    with pytest.raises(KeyError):
        keyset("t", "o", ORDERS, "id; DROP", None)


def test_a_board_is_read_from_its_address():
    assert boards.read(["b:2", "x", "a", "b", "c:9"], KNOWN) == [Tile("b", 2), Tile("a"), Tile("c")]
    assert [one.said for one in boards.read(["b:2", "a"], KNOWN)] == ["b:2", "a"]
    assert boards.read([], KNOWN) == []


def test_figures_move_widen_come_and_go():
    board = [Tile("a"), Tile("b"), Tile("c")]
    assert boards.arranged(board, "earlier", "c", KNOWN) == [Tile("a"), Tile("c"), Tile("b")]
    assert boards.arranged(board, "earlier", "a", KNOWN) == board
    assert boards.arranged(board, "later", "a", KNOWN) == [Tile("b"), Tile("a"), Tile("c")]
    assert boards.arranged(board, "later", "c", KNOWN) == board
    assert boards.arranged(board, "wider", "b", KNOWN) == [Tile("a"), Tile("b", 2), Tile("c")]
    assert boards.arranged(board, "narrower", "b", KNOWN) == board
    assert boards.arranged(board, "without", "b", KNOWN) == [Tile("a"), Tile("c")]
    assert boards.arranged(board, "with", "d", KNOWN) == [*board, Tile("d")]
    assert boards.arranged(board, "with", "a", KNOWN) == board
    assert boards.arranged(board, "burn", "a", KNOWN) == board


ACTS = ("earlier", "later", "wider", "narrower", "without", "with", "")


@given(st.lists(st.tuples(st.sampled_from(ACTS), st.sampled_from([*KNOWN, "x"])), max_size=20))
def test_however_it_is_arranged_a_board_can_be_told_and_read_again(acts):
    board: list[Tile] = []
    for act, figure in acts:
        board = boards.arranged(board, act, figure, KNOWN)
        assert boards.read([one.said for one in board], KNOWN) == board
