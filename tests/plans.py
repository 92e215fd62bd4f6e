"""What a statement reads: of a plan that was run, so that neither figures of rows nor their guesses decide a test."""

from typing import Any

from entrepot.kernel import sql


def rows_read(statement: str, params: dict[str, object]) -> float:
    """Rows that the scans of a statement brought or threw away, run once."""
    ((plan,),) = sql.run(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}", params)
    return _read(plan[0]["Plan"])


def _read(plan: dict[str, Any]) -> float:
    below = sum(_read(one) for one in plan.get("Plans", ()))
    if not plan.get("Relation Name"):
        return below
    return below + plan["Actual Loops"] * (plan["Actual Rows"] + plan.get("Rows Removed by Filter", 0))
