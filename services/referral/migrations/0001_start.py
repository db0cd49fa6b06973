"""Start of referral: transfers, their append-only history, clocks, numbers.

Revision ID: referral_0001
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from services.chassis.tables import create_chassis_tables_v1

revision = "referral_0001"
down_revision = None
branch_labels = None
depends_on = None

_TEXTS = (
    "number matter_number outlet_id credit_code enterprise_name division charge charge_basis "
    "requested_by police_agency_id police_agency_name police_division procuratorate_agency_id "
    "procuratorate_agency_name procuratorate_division state outcome outcome_reason bundle_name "
    "key_fingerprint correlation_id"
)


def column(name: str, kind: object, *, nullable: bool = False, **kw: object) -> sa.Column:
    return sa.Column(name, kind, nullable=nullable, **kw)


def upgrade() -> None:
    create_chassis_tables_v1(op.get_bind())
    moment = sa.DateTime(timezone=True)
    op.create_table(
        "referrals",
        column("referral_id", sa.Text, primary_key=True),
        column("matter_id", sa.Text, unique=True),
        *[column(name, sa.Text) for name in _TEXTS.split()],
        column("request", sa.LargeBinary),
        column("version", sa.BigInteger),
        column("requested_at", moment),
        column("handed_over_at", moment, nullable=True),
        column("bundle_size", sa.BigInteger),
        column("bundle_sm3", sa.LargeBinary),
        column("bundle_sha256", sa.LargeBinary),
        sa.CheckConstraint("outcome IN ('', 'filed', 'not_filed', 'returned')"),
    )
    for name in ("division", "police_division", "procuratorate_division"):
        op.create_index(f"referrals_{name}", "referrals", [name, "requested_at"])
    op.create_table(
        "referral_events",
        column("referral_id", sa.Text, primary_key=True),
        column("seq", sa.Integer, primary_key=True),
        column("line", JSONB),
        column("digest", sa.LargeBinary),
    )
    op.execute("REVOKE UPDATE, DELETE ON referral_events FROM farsight_referral")
    op.create_table(
        "referral_clocks",
        column("clock_id", sa.Text, primary_key=True),
        column("referral_id", sa.Text, index=True),
        column("key", sa.Text),
        column("started_at", moment),
        column("due_at", moment),
        column("provisional", sa.Boolean),
        column("state", sa.Text),
        column("ended_at", moment, nullable=True),
        column("derivation", JSONB),
    )
    op.create_table(
        "numbers",
        column("division", sa.Text, primary_key=True),
        column("year", sa.Integer, primary_key=True),
        column("last", sa.Integer),
    )
