"""Outbox and mail."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"


def upgrade():
    op.create_table(
        "mail_messages",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("dedupe_key", sa.Text(), nullable=False),
        sa.Column("message_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("locale", sa.Text(), nullable=False),
        sa.Column("recipient", sa.Text(), nullable=False),
        sa.Column("context", postgresql.JSONB(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), server_default="queued", nullable=False),
        sa.Column("attempts", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("state IN ('queued', 'sent', 'parked')", name=op.f("ck_mail_messages_state_known")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mail_messages")),
        sa.UniqueConstraint("dedupe_key", name=op.f("uq_mail_messages_dedupe_key")),
        sa.UniqueConstraint("message_id", name=op.f("uq_mail_messages_message_id")),
    )
    op.create_index(op.f("ix_mail_messages_created_at"), "mail_messages", ["created_at"], unique=False)
    op.create_index(
        "ix_mail_messages_state", "mail_messages", ["state"], unique=False, postgresql_where="state <> 'sent'"
    )
    op.create_table(
        "outbox_events",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("payload", postgresql.JSONB(), nullable=False),
        sa.Column("request_id", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("pending", postgresql.ARRAY(sa.Text()), nullable=True),
        sa.Column("attempts", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("handled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("parked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox_events")),
    )
    op.create_index(op.f("ix_outbox_events_handled_at"), "outbox_events", ["handled_at"], unique=False)
    op.create_index(
        "ix_outbox_events_open",
        "outbox_events",
        ["due_at", "id"],
        unique=False,
        postgresql_where="handled_at IS NULL AND parked_at IS NULL",
    )


def downgrade():
    op.drop_index(
        "ix_outbox_events_open", table_name="outbox_events", postgresql_where="handled_at IS NULL AND parked_at IS NULL"
    )
    op.drop_index(op.f("ix_outbox_events_handled_at"), table_name="outbox_events")
    op.drop_table("outbox_events")
    op.drop_index("ix_mail_messages_state", table_name="mail_messages", postgresql_where="state <> 'sent'")
    op.drop_index(op.f("ix_mail_messages_created_at"), table_name="mail_messages")
    op.drop_table("mail_messages")
