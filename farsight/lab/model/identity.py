"""Who an outlet is to the model: its profile and its own, fixed, random traits."""

from dataclasses import dataclass

import numpy as np

from farsight.lab.model.noise import key_of, uniform
from farsight.lab.model.profiles import PlantProfile, plant_profiles


@dataclass(frozen=True)
class Identity:
    """One outlet under one seed."""

    outlet_id: str
    process: str
    seed: int

    @property
    def profile(self) -> PlantProfile:
        """Return the profile of its process."""
        return plant_profiles()[self.process]

    def key(self, *parts: object) -> int:
        """Return the key of one of this outlet's noise streams."""
        return key_of(self.seed, self.outlet_id, *parts)

    def trait(self, name: str, low: float, high: float) -> float:
        """Return a fixed property inside a band, so that no two plants are alike."""
        share = float(uniform(self.key("trait", name), np.zeros(1, dtype=np.int64))[0])
        return low + (high - low) * share
