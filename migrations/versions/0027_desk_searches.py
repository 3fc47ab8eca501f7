"""What the managers' desk looks for: parts of names, addresses and subjects, and the few that wait for somebody."""

from alembic import op

revision = "0027"
down_revision = "0026"

INDEXES = {
    "ix_companies_name_words": "companies USING gin (name gin_trgm_ops)",
    "ix_users_email_words": "users USING gin (email gin_trgm_ops)",
    "ix_mail_messages_recipient_words": "mail_messages USING gin (recipient gin_trgm_ops)",
    "ix_mail_messages_subject_words": "mail_messages USING gin (subject gin_trgm_ops)",
    "ix_audit_entries_words": (
        "audit_entries USING gin "
        "((object_name || ' ' || action || ' ' || reason || ' ' || changes::text) gin_trgm_ops)"
    ),
    "ix_offers_quarantined": "offers (id) WHERE is_quarantined",
    "ix_webhook_deliveries_failed": "webhook_deliveries (id) WHERE state = 'failed'",
}


def upgrade():
    """Dropped before: one that was interrupted stays behind, invalid. Building waits without blocking anybody."""
    with op.get_context().autocommit_block():
        op.execute("SET lock_timeout = 0")
        for name, columns in INDEXES.items():
            op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
            op.execute(f"CREATE INDEX CONCURRENTLY {name} ON {columns}")
        op.execute("SET lock_timeout = '2s'")


def downgrade():
    for name in INDEXES:
        op.execute(f"DROP INDEX {name}")
