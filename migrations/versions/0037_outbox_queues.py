"""When an event was sent, and how far workers have come in each queue: what they have passed is lost."""

import sqlalchemy as sa
from alembic import op

revision = "0037"
down_revision = "0036"


def _moment(name, *, nullable=True):
    default = None if nullable else sa.text("now()")
    return sa.Column(name, sa.DateTime(timezone=True), server_default=default, nullable=nullable)


def upgrade():
    op.add_column("outbox_events", _moment("sent_at"))
    op.create_table(
        "outbox_queues",
        sa.Column("name", sa.Text(), nullable=False),
        _moment("reached"),
        _moment("begun_at", nullable=False),
        _moment("passed"),
        _moment("looked_at", nullable=False),
        _moment("probed_at", nullable=False),
        sa.Column("probes", sa.BigInteger(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_outbox_queues")),
    )


def downgrade():
    """The release before sends again what is due: it must not wait for the day on which we would have done so."""
    op.drop_table("outbox_queues")
    op.execute("UPDATE outbox_events SET due_at = now() WHERE handled_at IS NULL AND sent_at IS NOT NULL")
    op.drop_column("outbox_events", "sent_at")
