"""Start: records, changes, accounts."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from services.chassis.tables import create_chassis_tables_v1

revision = "registry_0001"
down_revision = None


def upgrade() -> None:
    create_chassis_tables_v1(op.get_bind())
    _create_record()
    _create_change()
    _create_account()


def _create_record() -> None:
    op.execute("CREATE SEQUENCE record_revision")
    op.create_table(
        "record",
        sa.Column("kind", sa.Integer, primary_key=True),
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("revision", sa.BigInteger, nullable=False, unique=True),
        sa.Column("deleted", sa.Boolean, nullable=False),
        sa.Column("division", sa.Text, nullable=False),
        sa.Column("credit_code", sa.Text, nullable=False),
        sa.Column("refs", postgresql.ARRAY(sa.Text), nullable=False),
        sa.Column("body", postgresql.JSONB, nullable=False),
        sa.CheckConstraint("kind BETWEEN 1 AND 10", name="record_kind"),
        sa.CheckConstraint("key <> ''", name="record_key"),
    )
    op.execute("CREATE INDEX record_division ON record (kind, division text_pattern_ops)")
    op.create_index("record_credit_code", "record", ["credit_code"])
    op.create_index("record_refs", "record", ["refs"], postgresql_using="gin")


def _create_change() -> None:
    op.create_table(
        "change",
        sa.Column("change_id", sa.BigInteger, sa.Identity(), primary_key=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
        sa.Column("actor_id", sa.Text, nullable=False),
        sa.Column("channel", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("revision", sa.BigInteger, nullable=False),
        sa.Column("before", postgresql.JSONB),
        sa.Column("after", postgresql.JSONB),
    )
    op.create_index("change_subject", "change", ["subject", "key", "change_id"])
    op.execute("REVOKE UPDATE, DELETE ON change FROM farsight_registry")


def _create_account() -> None:
    op.create_table(
        "account",
        sa.Column("user_name", sa.Text, primary_key=True),
        sa.Column("role", sa.Text, nullable=False),
        sa.Column("division", sa.Text, nullable=False),
        sa.Column("credit_code", sa.Text, nullable=False),
        sa.Column("officer_id", sa.Text, nullable=False),
        sa.Column("display_name", sa.Text, nullable=False),
        sa.Column("scripted", sa.Boolean, nullable=False),
        sa.Column("password_hash", sa.Text, nullable=False),
        sa.Column("failures", sa.Integer, nullable=False, server_default="0"),
        sa.Column("locked_until", sa.DateTime(timezone=True)),
        sa.CheckConstraint(
            "(role = 'enterprise') = (credit_code <> '')", name="account_enterprise"
        ),
    )
