"""Invoices keep their PDF."""

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0028"


def upgrade():
    op.add_column("invoices", sa.Column("paper", sa.LargeBinary()))
    op.execute("ALTER TABLE invoices ALTER paper SET STORAGE EXTERNAL")  # a PDF is compressed already


def downgrade():
    op.drop_column("invoices", "paper")
