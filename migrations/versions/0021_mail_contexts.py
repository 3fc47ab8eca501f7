"""The mails about an order or any other thing, found by the ids that they name."""

from alembic import op

revision = "0021"
down_revision = "0020"


def upgrade():
    """Dropped before: one that was interrupted stays behind, invalid. Building waits without blocking anybody."""
    with op.get_context().autocommit_block():
        op.execute("SET lock_timeout = 0")
        op.execute("DROP INDEX CONCURRENTLY IF EXISTS ix_mail_messages_context")
        op.execute(
            "CREATE INDEX CONCURRENTLY ix_mail_messages_context ON mail_messages USING gin (context jsonb_path_ops)"
        )
        op.execute("SET lock_timeout = '2s'")


def downgrade():
    op.drop_index("ix_mail_messages_context", table_name="mail_messages")
