"""The mode of uploaded price lists apart from that of lists at an address."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"


def upgrade():
    op.add_column("import_terms", sa.Column("upload_mode", sa.Text(), server_default="full", nullable=False))
    op.execute("UPDATE import_terms SET upload_mode = mode")
    op.create_check_constraint(
        op.f("ck_import_terms_upload_mode_known"),
        "import_terms",
        "upload_mode IN ('full', 'update', 'stock_only')",
    )


def downgrade():
    op.drop_column("import_terms", "upload_mode")
