"""Who discarded a price list."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"


def upgrade():
    op.add_column("price_lists", sa.Column("discarded_by_id", sa.BigInteger(), nullable=True))
    name = op.f("fk_price_lists_discarded_by_id_users")
    op.create_foreign_key(name, "price_lists", "users", ["discarded_by_id"], ["id"], postgresql_not_valid=True)
    op.execute(f"ALTER TABLE price_lists VALIDATE CONSTRAINT {name}")


def downgrade():
    op.drop_column("price_lists", "discarded_by_id")
