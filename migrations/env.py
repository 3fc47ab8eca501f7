"""Runs migrations under traffic: one migrator at a time, no waiting behind long locks, retried instead."""

import time

import structlog
from alembic import context
from flask import current_app
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

log = structlog.get_logger()

LOCK = 7_202_611_22
ATTEMPTS = 10


def run() -> None:
    engine = current_app.extensions["migrate"].db.engine
    for attempt in range(1, ATTEMPTS + 1):
        try:
            with engine.connect() as connection:
                connection.execute(text("SELECT pg_advisory_lock(:lock)"), {"lock": LOCK})
                connection.execute(text("SET lock_timeout = '2s'; SET statement_timeout = 0"))
                connection.commit()
                _migrate(connection)
                connection.execute(text("SELECT pg_advisory_unlock(:lock)"), {"lock": LOCK})
            return
        except OperationalError as error:
            if attempt == ATTEMPTS or "lock timeout" not in str(error):
                raise
            log.warning("migration_waits", attempt=attempt)
            time.sleep(attempt)


def _migrate(connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=current_app.extensions["migrate"].db.metadata,
        compare_server_default=True,
        transaction_per_migration=True,
    )
    with context.begin_transaction():
        context.run_migrations()


run()
