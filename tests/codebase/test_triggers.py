"""Functions of triggers: none has a plan that is good for a few rows and bad for many."""

import re
from typing import Any

from flask import Flask
from sqlalchemy import text

from shop.database import db

# With the names that the statement's rows have in the function.
OF_STATEMENTS = text("""
SELECT function.proname, function.prosrc, trigger.tgname, trigger.tgnewtable, trigger.tgoldtable
FROM pg_trigger AS trigger
JOIN pg_proc AS function ON function.oid = trigger.tgfoid
WHERE trigger.tgnewtable IS NOT NULL OR trigger.tgoldtable IS NOT NULL
""")
FROM_WHERE = re.compile(
    r"\bFROM\s+(.*?)(?=\bWHERE\b|\bGROUP\b|\bORDER\b|\bEXCEPT\b|\bUNION\b|\bON CONFLICT\b|[();])", re.S
)


def functions(app: Flask) -> list[Any]:
    with app.app_context(), db.engine.connect() as connection:
        return list(connection.execute(OF_STATEMENTS))


def test_what_reads_all_rows_of_a_statement_joins_them_with_nothing(app: Flask) -> None:
    """PL/pgSQL plans it for the number of rows that it meets first in a connection, and keeps to that."""
    found = functions(app)
    assert {each.proname for each in found} == {"offers_note_words", "catalog_note_change"}
    for each in found:
        body = re.sub(r"--.*", "", each.prosrc)
        assert not re.search(r"\bJOIN\b|\bUSING\b|\bIN\s*\(\s*SELECT\b|\bNOT EXISTS\s*\([^)]*=", body, re.I), (
            each.proname
        )
        read = FROM_WHERE.findall(body)
        assert read, each.proname
        assert [tables for tables in read if "," in tables] == [], each.proname
