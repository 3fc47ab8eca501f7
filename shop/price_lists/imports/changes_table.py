"""The table of changes: what a list does to each good, from the comparison to the catalog.

It is temporary, and gone when the transaction of the import ends: decision 0042 says how its statements are sent.

- Filled by comparison.py from the rows of a list, or by rollback.py from what offers were before it.
- Then changed: ids of categories (apply.py), of products and of new offers (matching.py), quarantine that somebody has
  approved (outcome.py).
- Read by matching.py, apply.py, change_sets.py, stated_stock.py and outcome.py.
"""

from collections.abc import Collection, Mapping

from sqlalchemy import ARRAY, BigInteger, Boolean, Column, MetaData, Numeric, Table, Text, text

from shop.catalog.models import Offer
from shop.database import session
from shop.price_lists.reading.listed_fields import DATA
from shop.price_lists.reading.row_reader import match_key

NEW, CHANGED, UNCHANGED, WITHDRAWN, UNKNOWN_OFFER = "new", "changed", "unchanged", "withdrawn", "unknown"
QUARANTINED = "quarantined"
KINDS = (NEW, CHANGED, UNCHANGED, WITHDRAWN, UNKNOWN_OFFER, QUARANTINED)

changes = Table(
    "price_list_changes",
    MetaData(),
    Column("row", BigInteger, comment="of the list, counted in a rollback; none where the offer is withdrawn"),
    Column("change", Text, comment="one of KINDS"),
    Column("external_id", Text),
    Column("offer_id", BigInteger, comment="of a new offer the one that it will have"),
    Column("product_id", BigInteger, comment="of new offers and of those that are another thing now: the new one"),
    *(Column(name, Offer.__table__.c[name].type, comment="what the offer becomes") for name in DATA),
    Column("is_listed", Boolean),
    Column("category", Text, comment="its number in the list"),
    Column("match_key", Text),
    Column("barcodes_to_match", ARRAY(Text), comment="those that mean the same good everywhere"),
    Column("stock_kind", Text),
    Column("stock", Numeric, comment="as stated; none where the list says nothing of it"),
    Column("is_other", Boolean, comment="whether data of the offer change"),
    Column("reasons", ARRAY(Text), comment="why the change waits for a person"),
    Column("is_price_refused", Boolean, comment="states no price that could be taken, here or in an older list"),
    Column("is_refused_here", Boolean),
)

FORGET = text("DROP TABLE IF EXISTS pg_temp.price_list_changes")
MAKE = "CREATE TEMPORARY TABLE price_list_changes ON COMMIT DROP AS SELECT {columns} FROM ({found}) AS found"

# When each row has its change: who takes 200,000 quarantined rows for a single one joins them by nested loops.
ANALYZE = text("ANALYZE price_list_changes (row, change, offer_id, external_id)")
NAMES = text("""
SELECT row, name, model FROM price_list_changes WHERE change IN ('changed', 'quarantined') AND match_key IS NULL
""")
NOTE_MATCH_KEYS = text("""
UPDATE price_list_changes AS change
SET match_key = found.match_key
FROM unnest(CAST(:rows AS bigint[]), CAST(:keys AS text[])) AS found (row, match_key)
WHERE found.row = change.row
""")
COUNT = text("SELECT change, count(*) FROM price_list_changes GROUP BY change")


def make_changes(found: str, values: Mapping[str, object], *, lacking: Collection[str] = ()) -> None:
    """Of what a SELECT finds, which names all columns but those that it lacks.

    By CREATE TABLE AS: an INSERT would find the same rows without the help of parallel workers.
    """
    connection = session().connection()
    types = {column.name: column.type.compile(connection.dialect) for column in changes.columns}
    columns = ", ".join(f"CAST(NULL AS {types[name]}) AS {name}" if name in lacking else name for name in types)
    connection.execute(FORGET)
    connection.execute(text(MAKE.format(columns=columns, found=found)), values)


def complete_changes() -> None:
    """When all rows are there. By its match key an offer whose pack or name comes back, or is stated in part, finds the
    product of its rivals; who fills the table leaves it out where a name or a model is kept."""
    session().execute(ANALYZE)
    found = session().execute(NAMES).all()
    if found:
        keys = [match_key(row.name, row.model) for row in found]
        session().execute(NOTE_MATCH_KEYS, {"rows": [row.row for row in found], "keys": keys})


def count_changes() -> dict[str, int]:
    """By kind."""
    return dict.fromkeys(KINDS, 0) | {change: count for change, count in session().execute(COUNT)}  # noqa: C416
