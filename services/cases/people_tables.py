"""Rows about people: matters in nobody's hands, matters of another region's office."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import Text
from sqlalchemy.orm import Mapped, mapped_column

from services.cases.tables import Base, Moment


class VacancyRow(Base):
    """待指定承办人: since when and why a matter has nobody; ended ones stay."""

    __tablename__ = "vacancy"
    matter_id: Mapped[str] = mapped_column(Text, primary_key=True)
    since: Mapped[dt.datetime] = mapped_column(Moment, primary_key=True)
    ended_at: Mapped[dt.datetime | None] = mapped_column(Moment)
    reason: Mapped[str] = mapped_column(Text)


class HandedRow(Base):
    """指定管辖: the office of another region that handles a matter; empty when it came back."""

    __tablename__ = "handed"
    matter_id: Mapped[str] = mapped_column(Text, primary_key=True)
    office: Mapped[str] = mapped_column(Text)
