"""An index for each filter of the order lists; built while orders go on."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"

HAS_REFERENCE = sa.text("client_reference IS NOT NULL")

INDEXES = [
    ("ix_orders_state", "orders", ["state", "id"], None),
    ("ix_orders_company_state", "orders", ["company_id", "state", "id"], None),
    ("ix_orders_client_reference", "orders", ["client_reference", "company_id", "id"], HAS_REFERENCE),
    ("ix_orders_created_at", "orders", ["created_at"], None),
    ("ix_supplier_orders_state", "supplier_orders", ["state", "id"], None),
    ("ix_supplier_orders_supplier_state", "supplier_orders", ["supplier_id", "state", "id"], None),
]


def upgrade():
    with op.get_context().autocommit_block():
        op.execute("SET lock_timeout = 0")  # it waits for transactions, not with locks in its hands
        for name, table, columns, where in INDEXES:
            op.drop_index(name, table, if_exists=True, postgresql_concurrently=True)  # what a broken run left
            op.create_index(name, table, columns, postgresql_where=where, postgresql_concurrently=True)
        op.execute("SET lock_timeout = '2s'")


def downgrade():
    for name, table, _columns, _where in reversed(INDEXES):
        op.drop_index(name, table)
