"""What PostgreSQL does for a statement: which rows it looks at, how many pages of tables and indexes it reads."""

from collections.abc import Callable, Iterator
from typing import Any

from sqlalchemy import event

from shop.database import db, session

Plan = dict[str, Any]


def plan_of(ask: Callable[[], Any]) -> Plan:
    """Of the last statement that `ask` sends by the session, as it ran."""
    sent: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, sql: str, values: Any, *_: Any) -> None:
        sent.append((sql, values))

    event.listen(db.engine, "before_cursor_execute", note)
    try:
        ask()
    finally:
        event.remove(db.engine, "before_cursor_execute", note)
    sql, values = sent[-1]
    cursor = session().connection().connection.cursor()
    [[[found]]] = cursor.execute(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {sql}", values).fetchall()  # type: ignore[attr-defined]
    plan: Plan = found["Plan"]
    return plan


def pages_read(plan: Plan) -> int:
    """Of 8 kB, in memory or not."""
    return int(plan["Shared Hit Blocks"] + plan["Shared Read Blocks"])


def rows_looked_at(plan: Plan, *tables: str) -> int:
    """Those that were thrown away, too."""
    dropped = ("Rows Removed by Filter", "Rows Removed by Index Recheck")
    return sum(
        round((node["Actual Rows"] + sum(node.get(each, 0) for each in dropped)) * node["Actual Loops"])
        for node in nodes(plan)
        if node.get("Relation Name") in tables
    )


def scanned(plan: Plan) -> set[str]:
    """The tables that are read from end to end."""
    return {node["Relation Name"] for node in nodes(plan) if node["Node Type"] == "Seq Scan"}


def nodes(plan: Plan) -> Iterator[Plan]:
    yield plan
    for inner in plan.get("Plans", ()):
        yield from nodes(inner)
