"""The audit names no person: who closes the account takes the name along."""

from alembic import op

revision = "0028"
down_revision = "0027"


def upgrade():
    op.execute("UPDATE audit_entries SET object_name = '' WHERE object_type = 'users' AND object_name <> ''")


def downgrade():
    pass
