"""伴随参数: what goes with the load: oxygen, flow, velocity, temperatures, humidity, pH."""

from typing import cast

import numpy as np

from farsight.lab.model.identity import Identity
from farsight.lab.model.noise import Floats, Hours, autoregressive, normal

OXYGEN = "a19001"
TEXTURE = {  # relative spread inside an hour
    "a19001": 0.03,
    "a01012": 0.01,
    "a01011": 0.03,
    "a01014": 0.02,
    "a00000": 0.03,
    "a01901": 0.008,
    "w01001": 0.004,
    "w01010": 0.002,
    "w00000": 0.04,
}
DECIMALS = {"a01012": 1, "a01901": 1, "w01010": 1}


def oxygen(who: Identity, hours: Hours, load: Floats) -> Floats:
    """Return 氧含量, volume %: falls with load, near that of air while stopped.

    The slope gives the correlation of about -0.7 with load that the coal-fired unit of the
    laboratory's series shows.
    """
    plant = who.profile
    own = plant.o2_mean + who.trait("o2", -0.6, 0.6)
    noise = plant.o2_noise * autoregressive(who.key("o2"), hours, 0.85)
    running = np.clip(own + plant.o2_slope * (load - plant.base_load) + noise, 2.2, 17.5)
    air = 20.75 + 0.08 * normal(who.key("air"), hours)
    return cast(Floats, np.where(load > 0, running, air))


def surroundings(who: Identity, hours: Hours, load: Floats) -> dict[str, Floats]:
    """Return every accompanying parameter of both media by factor code, in its HJ 212 unit."""
    plant, on = who.profile, np.minimum(load / 0.3, 1.0)
    noise = {f: autoregressive(who.key(f), hours, 0.9) for f in TEXTURE}
    season = np.cos(2 * np.pi * (hours / 24.0 - 200.0) / 365.25)  # warmest in the middle of July
    size = who.trait("size", 0.7, 1.3)
    ambient = 13 + 14 * season
    hot = plant.temperature * (0.92 + 0.1 * load) + 2.5 * noise["a01012"]
    return {
        "a00000": plant.flow * size * (0.06 + 0.94 * load) * np.exp(0.03 * noise["a00000"]),
        "w00000": plant.flow * size * load * np.exp(0.04 * noise["w00000"]),
        "a01011": 14.0 * (0.05 + 0.95 * load) * np.exp(0.03 * noise["a01011"]),
        "a01012": ambient * (1 - on) + hot * on,
        "a01014": 1.5 + (9 + 2 * load + 0.5 * noise["a01014"]) * on,
        "a01901": 40 + (935 + 60 * (load - plant.base_load) + 9 * noise["a01901"]) * on,
        "w01001": who.trait("ph", 6.9, 7.7) + 0.09 * noise["w01001"],
        "w01010": plant.temperature + 6 * season + 0.5 * noise["w01010"],
    }
