"""Refusals as customers read them: nothing of the house is in them."""

from __future__ import annotations

import re

import pytest

from entrepot.kernel import ids
from entrepot.kernel.errors import Invalid, Refused, Said
from entrepot.returns import errors
from entrepot.web import told

ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}")


def facts_of(kind: type[Refused]) -> dict[str, object]:
    """Facts for all places of a refusal, as unfit for customers as can be."""
    places = re.findall(r"{(\w+)}", f"{kind.says} {told.SAYS.get(kind.code, '')}")
    numbers = {"left": 1, "wanted": 3, "days": 40, "window": 30, "most": 6, "minutes": 15}
    return {name: numbers.get(name, str(ids.uuid7())) for name in (*places, "since", "line", "sku")} | {
        "why": "final sale", "offered": "store credit", "since": Said("it arrived {0} days ago", 40)
    }  # fmt: skip


@pytest.mark.parametrize("code", sorted(Refused.known))
def test_no_refusal_shows_a_key_of_ours(code: str) -> None:
    says = told.to_customer(Refused.known[code](**facts_of(Refused.known[code])))
    assert says and not ID.search(says) and "{" not in says


@pytest.mark.parametrize("code", sorted(told.SAYS))
def test_what_is_told_of_is_a_refusal(code: str) -> None:
    assert code in Refused.known


def test_things_are_called_as_their_customer_knows_them() -> None:
    line = str(ids.uuid7())
    names = {line: "Blue lamp", "SKU-1": "Red chair"}
    more = errors.MoreThanSold(line=line, wanted=3, left=2)
    assert (
        told.to_customer(more, names) == "Of Blue lamp you can send back 2 more, and chose 3. Choose fewer."
    )
    none = errors.MoreThanSold(line=line, wanted=1, left=0)
    assert told.to_customer(none, names) == "Blue lamp is sent back already."
    offered = errors.NotOffered(sku="SKU-1", asked="refund", offered="store credit, repair")
    assert told.to_customer(offered, names) == "For Red chair you can choose: Store credit, Have it repaired."
    not_allowed = errors.NotAllowed(order="SO-1", sku="SKU-1", why="final sale")
    assert told.to_customer(not_allowed, names) == "Red chair can't be sent back: final sale."


def test_since_when_it_is_too_late_is_told() -> None:
    late = errors.TooLate(order="SO-1", since=Said("it was placed {0} days ago", 40), days=40, window=30)
    assert told.to_customer(late) == (
        "It is too late to send this back: it was placed 40 days ago, and we take things back for 30 days."
    )


def test_what_is_wrong_with_a_field_is_told_by_its_name() -> None:
    assert (
        told.to_customer(Invalid(field="reason", expected="x", found="y")) == "Choose why you send it back."
    )
    assert "40 million pixels" in told.to_customer(Invalid(field="photo", expected="x", found="y"))
    assert told.to_customer(Invalid(field="asked", expected="x", found="y")) == str(told.OTHERWISE)
