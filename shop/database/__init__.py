"""The database: base class and column types, the session and transaction(), locks, statements.

fast_read is the one exception to the session: statements that nearly every request sends.
"""

from shop.database.base import (
    Base,
    ComparedPrice,
    CreatedAt,
    Id,
    Model,
    Quantity,
    Sum,
    UnitPrice,
    db,
    engine_options,
    now,
)
from shop.database.locks import claimed, claimed_some, met_a_lock
from shop.database.session import IN_TRANSACTION, give_back_connection, only_read, session, transaction
from shop.database.statements import PURGE_BATCH, delete_some, given_list, planned_anew, sql_list, violated_constraint

__all__ = [
    "IN_TRANSACTION",
    "PURGE_BATCH",
    "Base",
    "ComparedPrice",
    "CreatedAt",
    "Id",
    "Model",
    "Quantity",
    "Sum",
    "UnitPrice",
    "claimed",
    "claimed_some",
    "db",
    "delete_some",
    "engine_options",
    "give_back_connection",
    "given_list",
    "met_a_lock",
    "now",
    "only_read",
    "planned_anew",
    "session",
    "sql_list",
    "transaction",
    "violated_constraint",
]
