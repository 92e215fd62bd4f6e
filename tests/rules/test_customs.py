"""What passes customs."""

from __future__ import annotations

import pytest

from entrepot.shipping.customs import passes_customs


@pytest.mark.parametrize(
    ("origin", "destination", "passes"),
    [
        (("GB", "E16 1AA"), ("GB", "LS1 4AP"), False), (("GB", "E16 1AA"), ("FR", "75001"), True),
        (("DE", "10115"), ("FR", "75001"), False), (("DE", "10115"), ("NO", "0154"), True),
        (("DE", "10115"), ("CH", "8001"), True), (("IE", "D02"), ("GB", "LS1 4AP"), True),
        (("DE", "10115"), ("", ""), False),
        # within the customs union, and outside its taxes
        (("DE", "10115"), ("ES", "35 001"), True), (("FR", "97110"), ("DE", "10115"), True),
        (("DE", "10115"), ("FI", "22100"), True), (("DE", "10115"), ("FI", "00100"), False),
        (("DE", "10115"), ("IT", "22061"), True),
        # within a country, between its mainland and such a place
        (("ES", "28001"), ("ES", "38 001"), True), (("ES", "35001"), ("ES", "28001"), True),
        (("FR", "75001"), ("FR", "97110"), True), (("FR", "75001"), ("FR", "98800"), True),
        (("FI", "00100"), ("FI", "22100"), True), (("ES", "35001"), ("ES", "38001"), False),
        (("FR", "75001"), ("FR", "69001"), False),
        # Monaco is in it through France, by whatever country it is told
        (("DE", "10115"), ("MC", "98000"), False), (("MC", "98000"), ("FR", "75001"), False),
        (("FR", "75001"), ("FR", "98000"), False), (("GB", "E16 1AA"), ("MC", "98000"), True),
        # Northern Ireland: in the union for goods, and on its way to Great Britain free
        (("DE", "10115"), ("GB", "BT1 5GS"), False), (("GB", "BT1 5GS"), ("IE", "D02"), False),
        (("IE", "D02"), ("GB", "bt48 6hq"), False), (("GB", "BT1 5GS"), ("GB", "BT48 6HQ"), False),
        (("GB", "E16 1AA"), ("GB", "BT1 5GS"), True), (("GB", "BT1 5GS"), ("GB", "E16 1AA"), False),
        (("GB", "BT1 5GS"), ("NO", "0154"), True), (("NO", "0154"), ("GB", "BT1 5GS"), True),
        (("ES", "35001"), ("GB", "BT1 5GS"), True), (("GB", "B1 1AA"), ("DE", "10115"), True),
        (("GB", "E16 1AA"), ("GB", ""), False), (("GB", "BT1 5GS"), ("MC", "98000"), False),
    ],
)  # fmt: skip
def test_goods_pass_customs_where_they_leave_the_union_or_come_into_it(origin, destination, passes):
    assert passes_customs(origin, destination) is passes
