"""What is wrong with a row is kept as a code with facts; its sentence is made when somebody reads it.

`message` stays for rows from before, and for the release before, which takes it for text: of rows without one it shows
an empty sentence beside the code. The release after drops it, once no such rows are left to be looked at.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0039"
down_revision = "0038"


def upgrade():
    op.add_column("price_list_issues", sa.Column("facts", postgresql.JSONB(), nullable=True))
    op.alter_column("price_list_issues", "message", server_default="")


def downgrade():
    op.alter_column("price_list_issues", "message", server_default=None)
    op.drop_column("price_list_issues", "facts")
