"""串通雷达的话: what joins two outlets, in words and colours."""

from services.detect.screening.traces import Trace

KINDS = {
    "copy": ("数据照搬", "values copied", "#b3261e"),
    "noise": ("噪声同源", "one noise", "#c2410c"),
    "digits": ("尾数同习", "one digit habit", "#2f5fb3"),
    "moments": ("同时动作", "same moments", "#6d4fa3"),
}
"""Kind of a trace: Chinese, English, colour of its lines."""


def trace_words(trace: Trace) -> str:
    """What was seen, as an inspector reads it.

    >>> trace_words(Trace("moments", "", 14.0, 0.21, 0.0, 21.0))
    '14次标记、缺数或恒值在同一时刻开始，偶然约0.21次'
    """
    lag = f"，错开{abs(trace.lag_h):g}小时" if trace.lag_h else ""
    if trace.kind == "copy":
        return f"{trace.factor}数据照搬{lag}，超出偶然{trace.statistic:.0f}比特"
    if trace.kind == "moments":
        chance = f"{trace.expected:.2g}"
        return f"{trace.statistic:.0f}次标记、缺数或恒值在同一时刻开始，偶然约{chance}次"
    what = "残差噪声同源" if trace.kind == "noise" else "末位数字习惯相同"
    usual = f"无关排放口一般{trace.expected:.1f}"
    return f"{trace.factor}{what}{lag}（z={trace.statistic:.1f}，{usual}）"
