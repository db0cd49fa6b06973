"""Matters in nobody's hands; what finds the matters of a person and the changes of people."""

import sqlalchemy as sa
from alembic import op

revision = "cases_0006"
down_revision = "cases_0005"
branch_labels = None
depends_on = None

#: Acts that change who handles a matter or who may; `people_store.ACTS` is the same list.
ACTS = (
    "substitute", "nobody_left", "reassign", "recuse", "declare_recusal", "apply_recusal",
    "answer_recusal", "take_over", "hand_down", "designate",
)  # fmt: skip


def upgrade() -> None:
    """Create the list of vacancies and the indexes."""
    op.create_table(
        "vacancy",
        sa.Column("matter_id", sa.Text, sa.ForeignKey("matter.matter_id"), primary_key=True),
        sa.Column("since", sa.DateTime(timezone=True), primary_key=True),
        sa.Column("ended_at", sa.DateTime(timezone=True)),
        sa.Column("reason", sa.Text, nullable=False),
        sa.CheckConstraint("ended_at IS NULL OR ended_at >= since"),
    )
    # One open vacancy a matter: the leader is told once, whichever replica sees it first.
    op.create_index(
        "vacancy_open",
        "vacancy",
        ["matter_id"],
        unique=True,
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.execute("REVOKE DELETE, TRUNCATE ON vacancy FROM farsight_cases")
    op.create_index(
        "matter_open_assignee",
        "matter",
        ["assignee_id", "in_charge"],
        postgresql_where=sa.text("closed_at IS NULL"),
    )
    # Handed to another region's office by designation: rare, and seen there beside its own.
    op.create_table(
        "handed",
        sa.Column("matter_id", sa.Text, sa.ForeignKey("matter.matter_id"), primary_key=True),
        sa.Column("office", sa.Text, nullable=False),  # empty = it came back
    )
    op.execute("REVOKE DELETE, TRUNCATE ON handed FROM farsight_cases")
    named = ", ".join(map(repr, ACTS))
    op.execute(
        f"CREATE INDEX matter_event_people ON matter_event (event_id) WHERE act IN ({named})"
    )
