"""Contracts between suppliers and buyers, which documents name as their basis."""

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0029"


def upgrade():
    op.create_table(
        "contracts",
        sa.Column("supplier_id", sa.BigInteger(), nullable=False),
        sa.Column("buyer_id", sa.BigInteger(), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["supplier_id"], ["companies.id"], name=op.f("fk_contracts_supplier_id_companies")),
        sa.ForeignKeyConstraint(["buyer_id"], ["companies.id"], name=op.f("fk_contracts_buyer_id_companies")),
        sa.PrimaryKeyConstraint("supplier_id", "buyer_id", name=op.f("pk_contracts")),
    )


def downgrade():
    op.drop_table("contracts")
