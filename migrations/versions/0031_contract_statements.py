"""Who stated which contract and when: the history of what documents name as their basis."""

import sqlalchemy as sa
from alembic import op

revision = "0031"
down_revision = "0030"


def upgrade():
    op.create_table(
        "contract_statements",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("supplier_id", sa.BigInteger(), nullable=False),
        sa.Column("buyer_id", sa.BigInteger(), nullable=False),
        sa.Column("words", sa.Text(), nullable=True),
        sa.Column("user_id", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["buyer_id"], ["companies.id"], name=op.f("fk_contract_statements_buyer_id_companies")),
        sa.ForeignKeyConstraint(
            ["supplier_id"], ["companies.id"], name=op.f("fk_contract_statements_supplier_id_companies")
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_contract_statements_user_id_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contract_statements")),
    )
    op.create_index("ix_contract_statements_between", "contract_statements", ["supplier_id", "buyer_id", "id"])


def downgrade():
    op.drop_index("ix_contract_statements_between", table_name="contract_statements")
    op.drop_table("contract_statements")
