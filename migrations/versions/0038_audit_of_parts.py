"""What the audit calls acts on a supplier's part: part.confirmed, where order.confirm is the whole order's."""

from alembic import op

revision = "0038"
down_revision = "0037"

ACTS = ("confirmed", "agreed", "assembled", "sent", "received", "delivered", "refused", "canceled")


def _rename(old, new):
    named = ", ".join(f"'{old}.{act}'" for act in ACTS)
    op.execute(f"UPDATE audit_entries SET action = '{new}.' || split_part(action, '.', 2) WHERE action IN ({named})")


def upgrade():
    _rename("order", "part")


def downgrade():
    _rename("part", "order")
