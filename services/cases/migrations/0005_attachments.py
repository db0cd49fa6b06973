"""Files handed in 证据材料, kept by digest; forms and records of inspections. All append-only."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "cases_0005"
down_revision = "cases_0004"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
MATTER = "matter.matter_id"
APPEND_ONLY = (
    "attachment_content", "attachment_chunk", "attachment", "inspection_form", "inspection_record",
    "inspection_outcome",
)  # fmt: skip


def text_columns(*names: str) -> list[sa.Column[str]]:
    """Columns of text that are never null."""
    return [sa.Column(name, sa.Text, nullable=False, server_default="") for name in names]


def upgrade() -> None:
    """Create everything, then shut it."""
    create_content()
    create_attachment()
    create_inspection()
    for table in APPEND_ONLY:
        refuse_change(table)


def create_content() -> None:
    """Bytes in the database, so that every replica serves them and they commit with their line."""
    op.create_table(
        "attachment_content",
        sa.Column("sha256", sa.LargeBinary, primary_key=True),
        sa.Column("sm3", sa.LargeBinary, nullable=False),
        sa.Column("size_bytes", sa.BigInteger, nullable=False),
        sa.Column("chunks", sa.Integer, nullable=False),
        sa.Column("kept_at", MOMENT, nullable=False),
        sa.CheckConstraint("octet_length(sha256) = 32 AND octet_length(sm3) = 32"),
        sa.CheckConstraint("size_bytes > 0 AND chunks > 0"),
    )
    op.create_table(
        "attachment_chunk",
        sa.Column(
            "sha256", sa.LargeBinary, sa.ForeignKey("attachment_content.sha256"), primary_key=True
        ),
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.CheckConstraint("octet_length(body) BETWEEN 1 AND 1048576"),
        sa.CheckConstraint("number >= 0"),
    )
    # Photos and films are compressed already: trying again costs time and gains nothing.
    op.execute("ALTER TABLE attachment_chunk ALTER body SET STORAGE EXTERNAL")


def create_attachment() -> None:
    """What was said of a file when it was handed in on a matter."""
    op.create_table(
        "attachment",
        sa.Column("attachment_id", sa.Text, primary_key=True),
        sa.Column("matter_id", sa.Text, sa.ForeignKey(MATTER), nullable=False),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.Column(
            "sha256", sa.LargeBinary, sa.ForeignKey("attachment_content.sha256"), nullable=False
        ),
        sa.Column("uploaded_at", MOMENT, nullable=False),
        sa.Column("taken_at", MOMENT),
        sa.Column("longitude", sa.Float),
        sa.Column("latitude", sa.Float),
        *text_columns(
            "name",
            "purpose",
            "media_type",
            "uploaded_by",
            "uploader_role",
            "device",
            "note",
            "request_id",
        ),
        sa.CheckConstraint(
            "purpose IN ('photo', 'video', 'record', 'before', 'after', 'proof', 'other')"
        ),
        sa.CheckConstraint("(longitude IS NULL) = (latitude IS NULL)"),
        sa.UniqueConstraint("matter_id", "seq"),
    )
    op.create_index(
        "attachment_request",
        "attachment",
        ["uploaded_by", "request_id"],
        unique=True,
        postgresql_where=sa.text("request_id <> ''"),
    )


def create_inspection() -> None:
    """Forms as they went out, and records as they came back."""
    op.create_table(
        "inspection_form",
        sa.Column("matter_id", sa.Text, sa.ForeignKey(MATTER), primary_key=True),
        sa.Column("sm3", sa.LargeBinary, primary_key=True),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.Column("issued_at", MOMENT, nullable=False),
        sa.Column("issued_to", sa.Text, nullable=False),
        sa.CheckConstraint("octet_length(sm3) = 32"),
    )
    op.create_table(
        "inspection_record",
        sa.Column("matter_id", sa.Text, sa.ForeignKey(MATTER), primary_key=True),
        sa.Column("version", sa.BigInteger, primary_key=True),
        sa.Column("record_id", sa.Text, nullable=False),
        sa.Column("form_sm3", sa.LargeBinary, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.Column("sha256", sa.LargeBinary, nullable=False),
        sa.Column("sm3", sa.LargeBinary, nullable=False),
        sa.Column("submitted_by", sa.Text, nullable=False),
        sa.Column("received_at", MOMENT, nullable=False),
        sa.Column("clock_offset_ms", sa.BigInteger, nullable=False),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.ForeignKeyConstraint(
            ["matter_id", "form_sm3"], ["inspection_form.matter_id", "inspection_form.sm3"]
        ),
        sa.UniqueConstraint("matter_id", "record_id"),
        sa.CheckConstraint("octet_length(sha256) = 32 AND octet_length(sm3) = 32"),
        sa.CheckConstraint("version > 0"),
    )
    op.create_table(
        "inspection_outcome",
        sa.Column("matter_id", sa.Text, primary_key=True),
        sa.Column("version", sa.BigInteger, primary_key=True),
        sa.Column("outcomes", JSONB, nullable=False),  # [[act, done, article, missing], ...]
        sa.ForeignKeyConstraint(
            ["matter_id", "version"], ["inspection_record.matter_id", "inspection_record.version"]
        ),
    )


def refuse_change(table: str) -> None:
    """Let nobody change a row: by trigger, and by the rights of the service's own role."""
    op.execute(
        f"CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON {table} "
        "FOR EACH ROW EXECUTE FUNCTION refuse_change()"
    )
    op.execute(
        f"CREATE TRIGGER append_only_truncate BEFORE TRUNCATE ON {table} "
        "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
    )
    op.execute(f"REVOKE UPDATE, DELETE, TRUNCATE ON {table} FROM farsight_cases")


def downgrade() -> None:
    """Never: evidence does not go back."""
    raise NotImplementedError("migrations of cases do not go back")
