"""Environment of referral in, frozen dataclass out."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from services.chassis.settings import ChassisSettings


@dataclass(frozen=True)
class ReferralSettings:
    """Where keys and bundles are, and in whose name bundles are signed."""

    keys: Path
    bundles: Path
    signer_name: str

    @classmethod
    def from_env(cls, env: Mapping[str, str] = os.environ) -> "ReferralSettings":
        """Read `FARSIGHT_DATA` and `FARSIGHT_SIGNER_NAME`."""
        data = ChassisSettings.from_env(env).data
        name = env.get("FARSIGHT_SIGNER_NAME", "") or "千里眼平台签名密钥"
        return cls(keys=data / "keys", bundles=data / "bundles", signer_name=name)
