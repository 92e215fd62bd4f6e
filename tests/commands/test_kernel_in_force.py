"""policies.InForce: policies of several shapes, read at once"""

from __future__ import annotations

from datetime import timedelta

import pytest

from entrepot.kernel import policies
from entrepot.returns.admission import Admission
from entrepot.returns.rules import Policy
from entrepot.returns.staging import StagingPolicy
from tests.floor import COMPANY, NOW, SYSTEM

pytestmark = pytest.mark.django_db


def test_several_shapes_take_one_statement_and_say_what_each_alone_says(statements):
    later, ago = NOW + timedelta(days=1), NOW - timedelta(days=1)
    policies.set_policy(SYSTEM, requests=[
        policies.SetPolicy(COMPANY, "returns", Policy(window_days=14), ago),
        policies.SetPolicy(COMPANY, "returns", Policy(window_days=60), later),
        policies.SetPolicy(COMPANY, "returns", Policy(window_days=7), ago, scope="web"),
    ])  # fmt: skip
    with statements() as ran:
        read = policies.InForce([COMPANY, COMPANY + 1], (Policy, StagingPolicy), NOW)
    assert len(ran.texts) == 1

    assert read.of(COMPANY, Policy)[1].window_days == 14
    assert read.of(COMPANY, Policy) == policies.of_company(COMPANY, Policy, NOW)
    assert read.of(COMPANY, Policy, "web")[1].window_days == 7
    assert read.of(COMPANY, Policy, "shop") == read.of(COMPANY, Policy), "what has none has that of all"
    assert read.of(COMPANY, StagingPolicy) == (0, StagingPolicy()), "the defaults, where nobody set one"
    companies = [COMPANY, COMPANY + 1]
    assert read.of_all(companies, Policy) == policies.of_companies(companies, Policy, NOW)
    assert sorted(one.window_days for one in read.bodies(Policy)) == [7, 14]
    assert read.bodies(Admission) == []
