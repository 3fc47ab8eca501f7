"""Owners and status of companies, unique document prefixes, e-mail changes under way, where sessions were opened."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade():
    op.add_column("companies", sa.Column("status_reason", sa.Text(), nullable=True))
    op.add_column("companies", sa.Column("status_changed_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("companies", sa.Column("approved_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("users", sa.Column("pending_email", sa.Text(), nullable=True))
    op.add_column("users", sa.Column("is_owner", sa.Boolean(), server_default=sa.text("false"), nullable=False))
    op.add_column("users", sa.Column("second_factor_at", sa.DateTime(timezone=True), nullable=True))
    # The first user of a company has been its owner in all but name.
    op.execute(
        "UPDATE users SET is_owner = true WHERE id IN (SELECT min(id) FROM users"
        " WHERE closed_at IS NULL AND company_id IS NOT NULL GROUP BY company_id)"
    )
    op.create_index(
        "uq_users_company_owner", "users", ["company_id"], unique=True, postgresql_where=sa.text("is_owner")
    )
    op.add_column("access_tokens", sa.Column("opened_from", sa.Text(), nullable=True))
    op.add_column("access_tokens", sa.Column("user_agent", sa.Text(), nullable=True))
    # Of several companies with the same prefix the first keeps it; the others state a new one before they trade on.
    op.execute(
        "UPDATE legal_entities SET document_prefix = NULL WHERE document_prefix IN"
        " (SELECT document_prefix FROM legal_entities GROUP BY document_prefix HAVING count(*) > 1)"
        " AND id NOT IN (SELECT min(id) FROM legal_entities GROUP BY document_prefix)"
    )
    op.create_unique_constraint("uq_legal_entities_document_prefix", "legal_entities", ["document_prefix"])


def downgrade():
    op.drop_constraint("uq_legal_entities_document_prefix", "legal_entities")
    op.drop_column("access_tokens", "user_agent")
    op.drop_column("access_tokens", "opened_from")
    op.drop_index("uq_users_company_owner", table_name="users", postgresql_where=sa.text("is_owner"))
    op.drop_column("users", "second_factor_at")
    op.drop_column("users", "is_owner")
    op.drop_column("users", "pending_email")
    op.drop_column("companies", "approved_at")
    op.drop_column("companies", "status_changed_at")
    op.drop_column("companies", "status_reason")
