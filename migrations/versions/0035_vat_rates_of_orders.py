"""Order lines say whether their VAT rate is the seller's own, and parts keep the rate of the delivery."""

import sqlalchemy as sa
from alembic import op

revision = "0035"
down_revision = "0034"


def upgrade():
    op.add_column("order_lines", sa.Column("vat_is_default", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.add_column("supplier_orders", sa.Column("delivery_vat_rate", sa.Text()))


def downgrade():
    op.drop_column("supplier_orders", "delivery_vat_rate")
    op.drop_column("order_lines", "vat_is_default")
