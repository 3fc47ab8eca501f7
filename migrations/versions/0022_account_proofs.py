"""Known places, e-mail changes that are asked for once, and mails whose recipient is erased after delivery."""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"


def upgrade():
    op.create_table(
        "known_places",
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_known_places_user_id_users"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("user_id", "address", name=op.f("pk_known_places")),
    )
    op.create_index(op.f("ix_known_places_seen_at"), "known_places", ["seen_at"], unique=False)
    op.execute(
        "INSERT INTO known_places (user_id, address, seen_at)"
        " SELECT user_id, opened_from, max(created_at) FROM access_tokens"
        " WHERE kind = 'session' AND opened_from IS NOT NULL GROUP BY user_id, opened_from"
    )
    op.add_column("users", sa.Column("pending_email_since", sa.DateTime(timezone=True), nullable=True))
    op.add_column(
        "mail_messages", sa.Column("is_last_trace", sa.Boolean(), server_default=sa.text("false"), nullable=False)
    )


def downgrade():
    op.drop_column("mail_messages", "is_last_trace")
    op.drop_column("users", "pending_email_since")
    op.drop_index(op.f("ix_known_places_seen_at"), table_name="known_places")
    op.drop_table("known_places")
