"""污染物质量: which factors are concentrations of mass, and the milligrams in their unit."""

#: Codes that are no mass concentration, by prefix: flow, weather and flue gas parameters, oxygen,
#: germs, radioactivity, noise, process states (HJ 212-2017 tables B.1 and B.2, HJ 525 for w01003).
_NO_MASS = (
    "a00", "a01", "a19", "a34011", "w00", "w01001", "w01002", "w01003", "w01009", "w01010",
    "w01014", "w02", "w03", "e", "L",
)  # fmt: skip
#: Units in which readings are kept where they are not mg/m3 or mg/L (HJ 212-2017 tables B.1 and
#: B.2; of the five air factors for which it prints ng/m3, the unit that ingest decided on).
_NANOGRAMS = (
    "a05002", "a20007", "a20026", "a20044", "a20058", "w20089", "w20113", "w33001", "w33007",
)  # fmt: skip
_MICROGRAMS = (
    "a34001", "a34002", "a34004", "a34005", "w20111", "w20115", "w20117", "w20119", "w20120",
    "w20127", "w20128", "w20142", "w20143", "w25043",
)  # fmt: skip


def milligrams(factor: str) -> float:
    """污染物单位: milligrams in one unit of the factor (per m3 or L); 0 = no mass concentration.

    >>> milligrams("a21026"), milligrams("w20115"), milligrams("a19001")
    (1.0, 0.001, 0.0)
    """
    if factor.startswith(_NO_MASS):
        return 0.0
    if factor in _NANOGRAMS:
        return 1e-6
    return 1e-3 if factor in _MICROGRAMS else 1.0
