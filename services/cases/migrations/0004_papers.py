"""Documents 文书 and their numbers."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

revision = "cases_0004"
down_revision = "cases_0003"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """A paper is written once; the number's row is locked until its paper is committed."""
    op.create_table(
        "paper",
        sa.Column("paper_id", sa.Text, primary_key=True),
        sa.Column("matter_id", sa.Text, sa.ForeignKey("matter.matter_id"), nullable=False),
        sa.Column("seq", sa.BigInteger, nullable=False),
        *(
            sa.Column(name, sa.Text, nullable=False)
            for name in ("template", "template_version", "title", "number", "replaces", "agency",
                         "division", "credit_code", "html")
        ),
        sa.Column("position", sa.BigInteger, sa.Identity(), nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("facts", JSONB, nullable=False),
        sa.Column("pdf", sa.LargeBinary, nullable=False),
        sa.Column("pages", sa.Integer, nullable=False),
        sa.Column("copies", sa.Integer, nullable=False),
        sa.Column("size_bytes", sa.BigInteger, nullable=False),
        sa.Column("algorithms", ARRAY(sa.Text), nullable=False),
        sa.Column("sha256", sa.LargeBinary, nullable=False),
        sa.Column("sm3", sa.LargeBinary, nullable=False),
        sa.Column("made_at", MOMENT, nullable=False),
        sa.CheckConstraint("octet_length(sha256) = 32 AND octet_length(sm3) = 32"),
        sa.CheckConstraint("octet_length(pdf) = size_bytes"),
        sa.CheckConstraint("(revision > 1) = (replaces <> '')"),
    )  # fmt: skip
    op.execute("ALTER TABLE paper ALTER COLUMN pdf SET STORAGE EXTERNAL")  # compressed by itself
    once = {"unique": True}
    there = sa.text("number <> ''")
    op.create_index("paper_number_once", "paper", ["number"], postgresql_where=there, **once)
    first = sa.text("replaces <> ''")
    op.create_index("paper_replaced_once", "paper", ["replaces"], postgresql_where=first, **once)
    op.create_index("paper_matter", "paper", ["matter_id", "position"])
    op.create_index("paper_plant", "paper", ["credit_code"])
    op.create_index("paper_sha256", "paper", ["sha256"])
    op.create_index("paper_sm3", "paper", ["sm3"])
    op.create_table(
        "paper_number",
        sa.Column("agency", sa.Text, primary_key=True),
        sa.Column("series", sa.Text, primary_key=True),
        sa.Column("year", sa.Integer, primary_key=True),
        sa.Column("last", sa.Integer, nullable=False),
    )
    op.execute(
        "CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON paper "
        "FOR EACH ROW EXECUTE FUNCTION refuse_change()"
    )
    op.execute(
        "CREATE TRIGGER append_only_truncate BEFORE TRUNCATE ON paper "
        "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
    )
    op.execute("REVOKE UPDATE, DELETE, TRUNCATE ON paper FROM farsight_cases")
    op.execute("REVOKE DELETE, TRUNCATE ON paper_number FROM farsight_cases")
