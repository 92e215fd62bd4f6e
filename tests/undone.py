"""A walk over the database that leaves nothing behind."""

from __future__ import annotations

from django.db import transaction
from hypothesis.stateful import RuleBasedStateMachine

from entrepot.insight import verify


class UndoneMachine(RuleBasedStateMachine):
    """Each run is one transaction; at its end nothing may be amiss, and all of it is undone."""

    def __init__(self) -> None:
        super().__init__()
        self.transaction = transaction.atomic()
        self.transaction.__enter__()

    def teardown(self) -> None:
        try:
            assert verify.discrepancies() == []
        finally:
            transaction.set_rollback(True)
            self.transaction.__exit__(None, None, None)
