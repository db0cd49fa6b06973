"""Environment of notify in, frozen dataclass out."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from importlib import resources
from typing import Any

import yaml

from services.chassis.settings import integer
from services.notify.domain.policy import Policy, read_policy
from services.notify.domain.templates import Template, read_templates
from services.notify.smpp import SmppAccount, parse_uri


@dataclass(frozen=True)
class SenderSettings:
    """The gateway account and its timing; `account` None = no gateway, texts wait."""

    account: SmppAccount | None
    window: int
    answer_timeout: timedelta
    lease: timedelta

    @classmethod
    def from_env(cls, env: Mapping[str, str] = os.environ) -> "SenderSettings":
        """Read `FARSIGHT_SMPP_URI`, `FARSIGHT_SMS_SENDER` and the `FARSIGHT_SMPP_*` numbers."""
        uri = env.get("FARSIGHT_SMPP_URI", "")
        sender = env.get("FARSIGHT_SMS_SENDER", "") or "106900012369"
        return cls(
            account=parse_uri(uri, sender) if uri else None,
            window=integer(env, "FARSIGHT_SMPP_WINDOW", 16),
            answer_timeout=timedelta(seconds=integer(env, "FARSIGHT_SMPP_ANSWER_TIMEOUT_S", 30)),
            lease=timedelta(seconds=integer(env, "FARSIGHT_SMPP_LEASE_S", 15)),
        )


@cache
def policy() -> Policy:
    """The rules of `data/policy.yaml`; `FARSIGHT_QUIET_HOURS` ("22:00-07:00", "none") overrides."""
    return read_policy(_document("policy.yaml"), os.environ.get("FARSIGHT_QUIET_HOURS", ""))


@cache
def templates() -> dict[str, Template]:
    """The approved templates of `data/templates.yaml`, checked."""
    return read_templates(_document("templates.yaml"), policy().signature)


def _document(name: str) -> dict[str, Any]:
    file = resources.files("services.notify") / "data" / name
    document: dict[str, Any] = yaml.safe_load(file.read_text(encoding="utf-8"))
    return document
