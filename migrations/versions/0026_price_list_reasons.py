"""Why a price list is held or failed as codes with facts, beside the sentence."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0026"
down_revision = "0025"


def upgrade():
    op.add_column("price_lists", sa.Column("reasons", postgresql.JSONB(), server_default="[]", nullable=False))


def downgrade():
    op.drop_column("price_lists", "reasons")
