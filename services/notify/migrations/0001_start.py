"""Start of notify: people, sendings, submissions, receipts, leases.

Revision ID: notify_0001
"""

import sqlalchemy as sa
from alembic import op

from services.chassis.tables import create_chassis_tables_v1

revision = "notify_0001"
down_revision = None
branch_labels = None
depends_on = None


def text(name: str, **kw: object) -> sa.Column:
    return sa.Column(name, sa.Text, nullable=False, **kw)


def moment(name: str, *, nullable: bool = False, **kw: object) -> sa.Column:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable, **kw)


def number(name: str, kind: type = sa.BigInteger, **kw: object) -> sa.Column:
    return sa.Column(name, kind, nullable=False, **kw)


def flag(name: str) -> sa.Column:
    return sa.Column(name, sa.Boolean, nullable=False, server_default=sa.false())


def upgrade() -> None:
    create_chassis_tables_v1(op.get_bind())
    op.create_table(
        "people",
        text("person_id", primary_key=True),
        text("kind"),
        text("home", index=True),
        text("role"),
        text("name"),
        text("phone"),
        number("revision"),
        flag("deleted"),
    )
    op.create_table(
        "duties",
        text("duty_id", primary_key=True),
        text("officer_id"),
        sa.Column("day", sa.Date, nullable=False, index=True),
        number("revision"),
        flag("deleted"),
    )
    op.create_table(
        "sendings",
        sa.Column("sending_id", sa.BigInteger, sa.Identity(), primary_key=True),
        text("cause_id"),
        text("recipient_id"),
        text("recipient_name"),
        text("phone"),
        text("matter_id", index=True),
        text("division"),
        text("credit_code"),
        text("outlet_id"),
        text("item_key"),
        text("template"),
        text("text"),
        number("parts", sa.Integer),
        number("level", sa.Integer),
        text("state"),
        text("reason"),
        flag("possibly_repeated"),
        number("attempts", sa.Integer, server_default="0"),
        number("epoch", server_default="0"),
        moment("not_before"),
        moment("created_at"),
        moment("sent_at", nullable=True),
        moment("delivered_at", nullable=True),
        text("correlation_id"),
        sa.UniqueConstraint("cause_id", "recipient_id"),
        sa.CheckConstraint(
            "state IN ('queued','held','sending','sent','delivered','failed','muted','uncertain')"
        ),
    )
    op.create_index(
        "sendings_waiting",
        "sendings",
        ["level", "sending_id"],
        postgresql_where=sa.text("state IN ('queued', 'held')"),
    )
    op.create_index("sendings_alike", "sendings", ["recipient_id", "item_key", "outlet_id"])
    op.create_index("sendings_division", "sendings", ["division", "sending_id"])
    op.create_table(
        "submissions",
        sa.Column("submission_id", sa.BigInteger, sa.Identity(), primary_key=True),
        sa.Column(
            "sending_id",
            sa.BigInteger,
            sa.ForeignKey("sendings.sending_id"),
            index=True,
            nullable=False,
        ),
        number("part", sa.Integer),
        text("gateway"),
        number("epoch"),
        text("state"),
        text("message_id", server_default=""),
        moment("submitted_at"),
    )
    op.create_index(
        "submissions_message",
        "submissions",
        ["gateway", "message_id"],
        unique=True,
        postgresql_where=sa.text("message_id <> ''"),
    )
    op.create_table(
        "receipts",
        text("gateway", primary_key=True),
        text("message_id", primary_key=True),
        text("state", primary_key=True),
        moment("received_at", server_default=sa.func.now()),
    )
    op.create_table(
        "leases",
        text("name", primary_key=True),
        text("holder"),
        number("epoch"),
        moment("expires_at"),
    )
