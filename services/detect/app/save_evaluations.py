"""Notes once a week and outlet which history rules can judge which series."""

from sqlalchemy.orm import Session

from services.detect import store
from services.detect.app.knowledge import Knowledge
from services.detect.domain.block import COLUMNS, WEEK, Block
from services.detect.domain.judge import CONSTANT, LOW_VARIANCE
from services.detect.domain.reference_weeks import history_days


def save_evaluations(session: Session, block: Block, known: Knowledge) -> None:
    """Bring the evaluation state of outlets up to date whose present week is a new one."""
    weeks = block.start + (COLUMNS - WEEK)
    present = {key.outlet_id: int(week) for key, week in zip(block.keys, weeks, strict=True)}
    noted = store.evaluated_weeks(session, present)
    new = {outlet for outlet, week in present.items() if noted.get(outlet) != week}
    if not new:
        return
    rows = []
    for rule_id in (CONSTANT, LOW_VARIANCE):
        rule = known.book.versions(rule_id)[-1]
        for key, days in history_days(block, rule).items():
            outlet = known.directory.outlet(key.outlet_id)
            if key.outlet_id in new and outlet is not None:
                rows.append(
                    store.EvaluationRow(
                        outlet_id=key.outlet_id,
                        factor=key.factor,
                        rule_id=rule_id,
                        week=present[key.outlet_id],
                        known_days=days,
                        needed_days=rule.hours("min_history_days"),
                        division=outlet.division,
                        credit_code=outlet.credit_code,
                    )
                )
    store.save_evaluations(session, rows)
