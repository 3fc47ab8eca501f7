"""Sendings of an event, and which of its tasks a worker has begun."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0024"
down_revision = "0023"


def upgrade():
    with op.get_context().autocommit_block():  # first: should it be interrupted, nothing else is there yet
        op.execute("SET lock_timeout = 0")
        op.execute("DROP INDEX CONCURRENTLY IF EXISTS ix_outbox_events_parked")
        op.execute(
            "CREATE INDEX CONCURRENTLY ix_outbox_events_parked ON outbox_events (id)"
            " WHERE handled_at IS NULL AND parked_at IS NOT NULL"
        )
        op.execute("SET lock_timeout = '2s'")
    op.add_column(
        "outbox_events", sa.Column("started", postgresql.ARRAY(sa.Text()), server_default="{}", nullable=False)
    )
    op.add_column("outbox_events", sa.Column("sendings", sa.BigInteger(), server_default="0", nullable=False))


def downgrade():
    op.drop_column("outbox_events", "sendings")
    op.drop_column("outbox_events", "started")
    op.drop_index("ix_outbox_events_parked")
