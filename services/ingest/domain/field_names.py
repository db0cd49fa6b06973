"""Names in words for the fields of requests and answers: factors, site information, the rest."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from services.ingest.hj212.factors import Factor, factors_2017


@dataclass(frozen=True, slots=True)
class FieldName:
    """A field's name in both languages and the unit of its value; empty = the tables lack it."""

    zh: str = ""
    en: str = ""
    unit: str = ""


#: Fields without a code in them (HJ 212-2017 table 8, hj212.md 3.1; 2025: hj212.md marks D25, C25).
PLAIN: Mapping[str, FieldName] = {
    "SystemTime": FieldName("系统时间", "system time"),
    "DataTime": FieldName("数据时间", "data time"),
    "BeginTime": FieldName("开始时间", "begin of the period"),
    "EndTime": FieldName("截止时间", "end of the period"),
    "RestartTime": FieldName("开机时间", "restart time"),
    "PolId": FieldName("监测因子编码", "factor code"),
    "InfoId": FieldName("现场端信息编码", "site information code"),
    "RtdInterval": FieldName("实时数据上报间隔", "real-time interval", "s"),
    "MinInterval": FieldName("分钟数据上报间隔", "minute interval", "min"),
    "OverTime": FieldName("超时时间", "timeout", "s"),
    "ReCount": FieldName("重发次数", "retries"),
    "VaseNo": FieldName("采样瓶编号", "bottle number"),
    "CstartTime": FieldName("设备采样起始时间", "start of sampling"),
    "CTime": FieldName("采样周期", "sampling period", "h"),
    "Ctime": FieldName("采样周期", "sampling period", "h"),
    "Stime": FieldName("出样时间", "sample turnaround time", "min"),
    "NewPW": FieldName("新密码", "new password"),
    "PW": FieldName("密码", "password"),
    "NewSK": FieldName("新密钥", "new key"),
    "SKCreateTime": FieldName("密钥生成时间", "key creation time"),
    "CalibrationType": FieldName("校准类型(0 零点 1 量程)", "calibration (0 zero, 1 span)"),
    "QnRtn": FieldName("请求应答", "request return code"),
    "ExeRtn": FieldName("执行结果", "execution return code"),
}
#: What stands behind a code and a hyphen.
SUFFIXES: Mapping[str, FieldName] = {
    "Rtd": FieldName("实时值", "real-time"),
    "Avg": FieldName("均值", "mean"),
    "Min": FieldName("最小值", "minimum"),
    "Max": FieldName("最大值", "maximum"),
    "Cou": FieldName("累计值", "sum"),
    "ZsRtd": FieldName("折算实时值", "converted real-time"),
    "ZsAvg": FieldName("折算均值", "converted mean"),
    "ZsMin": FieldName("折算最小值", "converted minimum"),
    "ZsMax": FieldName("折算最大值", "converted maximum"),
    "RawAvg": FieldName("原始均值", "raw mean"),
    "Flag": FieldName("数据标记", "flag"),
    "EFlag": FieldName("设备标志", "device flag"),
    "SN": FieldName("仪器编码", "serial number"),
    "Info": FieldName(),
    "SampleTime": FieldName("采样时间", "sample time"),
    "CompleteTime": FieldName("完成时间", "completion time"),
    "SampleType": FieldName("样品类型", "kind of sample"),
    "SampleRd": FieldName("标样测定值", "standard sample, read"),
    "StandardValue": FieldName("标样标准值", "standard sample, true value"),
    "ResultType": FieldName("核查结果(1 合格 0 不合格)", "result (1 pass, 0 fail)"),
    "RS": FieldName("运行状态", "running state"),
    "RT": FieldName("运行时间", "running time", "h"),
}
#: Suffixes whose value is in the factor's unit.
MEASURED = frozenset(
    {"Rtd", "Avg", "Min", "Max", "ZsRtd", "ZsAvg", "ZsMin", "ZsMax", "RawAvg", "SampleRd",
     "StandardValue", "Info"}
)  # fmt: skip
#: Words of return codes and of a command's steps in Chinese (HJ 212-2017 tables 5 and 6, hj212.md
#: 2.3; the rest is said by the gate and by ingest).
SAID: Mapping[str, str] = {
    "ready": "准备执行请求",
    "refused": "请求被拒绝",
    "wrong password": "PW 错误",
    "wrong MN": "MN 错误",
    "wrong ST": "ST 错误",
    "wrong Flag": "Flag 错误",
    "wrong QN": "QN 错误",
    "wrong CN": "CN 错误",
    "CRC error": "CRC 校验错误",
    "unknown error": "未知错误",
    "success": "执行成功",
    "failed, cause unknown": "执行失败，原因未知",
    "wrong condition in the request": "命令请求条件错误",
    "communication timeout": "通讯超时",
    "system busy": "系统繁忙",
    "system fault": "系统故障",
    "no data": "没有数据",
    "noted": "通知已确认",
    "expired": "超过最迟开始时间",
    "withdrawn": "已撤回",
    "callback": "人工下发",
    "backfill": "平台补采",
    "the gate is gone": "网关失联",
    "no word from the gate any more": "网关长时间无回音",
    "the connection ended": "连接已断开",
    "the logger is not connected here": "数采仪不在该网关",
    "the gate is stopping": "网关停机",
    "the gate is full": "网关已满",
    "its turn came after its deadline": "轮到时已过期限",
}
_PATTERNS = (
    (re.compile(r"(\d+) of (\d+)"), r"第 \1 次，最多 \2 次"),
    (re.compile(r"no 9011 in (\d+) x ([\d.]+) s"), r"发送 \1 次，每次 \2 秒内无 9011 应答"),
    (re.compile(r"nothing for ([\d.]+) s after (\d+) answers"), r"收到 \2 个应答后 \1 秒无数据"),
)
_CODE = re.compile(r"(?P<code>\d+) (?P<said>.+?)(?:, (?P<frames>\d+) frames)?")
_FACILITY = re.compile(r"SB\d+")


@cache
def _factors() -> Mapping[str, Factor]:
    return factors_2017()


def name_of_code(code: str) -> FieldName:
    """The name of a factor or of a site information item.

    >>> name_of_code("i13001").zh
    '测量量程'
    """
    row = _factors().get(code)
    return FieldName(row.name_zh, row.name_en, row.unit) if row else FieldName()


def name_of_field(name: str) -> FieldName:
    """The name of a field as received: plain, or a code with a suffix.

    >>> name_of_field("a21026-Avg").zh, name_of_field("PolId").zh, name_of_field("x")
    ('二氧化硫 均值', '监测因子编码', FieldName(zh='', en='', unit=''))
    """
    code, hyphen, suffix = name.partition("-")
    if not hyphen:
        return PLAIN.get(name, FieldName())
    facility = FieldName("设施 " + code, "facility " + code)
    what = facility if _FACILITY.fullmatch(code) else name_of_code(code)
    how = SUFFIXES.get(suffix, FieldName())
    unit = what.unit if suffix in MEASURED else how.unit
    return FieldName(f"{what.zh} {how.zh}".strip(), f"{what.en} {how.en}".strip(), unit)


def detail_zh(detail: str) -> str:
    """What a step or an outcome says, in Chinese; empty where the tables have no words for it.

    >>> detail_zh("100 no data"), detail_zh("1 success, 7 frames"), detail_zh("1 of 3")
    ('100 没有数据', '1 执行成功，7 帧', '第 1 次，最多 3 次')
    """
    if detail in SAID:
        return SAID[detail]
    for pattern, words in _PATTERNS:
        found = pattern.fullmatch(detail)
        if found:
            return found.expand(words)
    coded = _CODE.fullmatch(detail)
    if coded is None or coded["said"] not in SAID:
        return ""
    frames = f"，{coded['frames']} 帧" if coded["frames"] else ""
    return f"{coded['code']} {SAID[coded['said']]}{frames}"
