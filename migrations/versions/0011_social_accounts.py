"""Social log-in: linked identities and one-time codes."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0011"
down_revision = "0010"


def upgrade():
    op.create_table(
        "social_accounts",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("provider_user_id", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("linked_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_social_accounts_user_id_users"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_social_accounts")),
        sa.UniqueConstraint(
            "provider", "provider_user_id", name=op.f("uq_social_accounts_provider_provider_user_id")
        ),
        sa.UniqueConstraint("user_id", "provider", name=op.f("uq_social_accounts_user_id_provider")),
    )
    op.create_table(
        "social_codes",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=True),
        sa.Column("identity", postgresql.JSONB(), nullable=True),
        sa.Column("challenge", sa.Text(), nullable=True),
        sa.Column("state_hash", sa.LargeBinary(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "purpose IN ('ticket', 'log_in', 'link', 'register')", name=op.f("ck_social_codes_purpose_known")
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_social_codes_user_id_users"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_social_codes")),
        sa.UniqueConstraint("hash", name=op.f("uq_social_codes_hash")),
        sa.UniqueConstraint("state_hash", name=op.f("uq_social_codes_state_hash")),
    )
    op.create_index(op.f("ix_social_codes_expires_at"), "social_codes", ["expires_at"], unique=False)
    op.create_index(op.f("ix_social_codes_user_id"), "social_codes", ["user_id"], unique=False)


def downgrade():
    op.drop_index(op.f("ix_social_codes_user_id"), table_name="social_codes")
    op.drop_index(op.f("ix_social_codes_expires_at"), table_name="social_codes")
    op.drop_table("social_codes")
    op.drop_table("social_accounts")
