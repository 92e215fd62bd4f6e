"""What a statement reads: of a plan that was run, so that neither figures of rows nor their guesses decide a test."""

from typing import Any

from entrepot.kernel import sql


def rows_read(statement: str, params: dict[str, object], of: str = "") -> float:
    """Rows that the scans of a statement brought or threw away, run once; `of` one table, where the others are too
    small for a test to say how they are looked up."""
    ((plan,),) = sql.run(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}", params)
    return _read(plan[0]["Plan"], of)


def count_anew(*tables: str) -> None:
    """Have the server count the rows of this transaction for its plans. As the owner: the application's role may not,
    and would only be warned."""
    sql.run("SET LOCAL ROLE NONE")
    for table in tables:
        sql.run(f"ANALYZE {table}")
        ((rows,),) = sql.run(
            "SELECT reltuples FROM pg_class WHERE oid = %(table)s::regclass", {"table": table}
        )
        assert rows > 0, f"{table} was not counted"


def _read(plan: dict[str, Any], of: str) -> float:
    below = sum(_read(one, of) for one in plan.get("Plans", ()))
    if not plan.get("Relation Name") or of not in ("", plan["Relation Name"]):
        return below
    return below + plan["Actual Loops"] * (plan["Actual Rows"] + plan.get("Rows Removed by Filter", 0))
