"""Draw docs/img/house.svg: processes, stores and the way of one reading."""

from pathlib import Path

FONT = "font-family='Noto Sans CJK SC, PingFang SC, Microsoft YaHei, sans-serif'"
BOXES = {
    # key: (x, y, width, height, title, subtitle, fill)
    "logger": (20, 60, 150, 56, "数采仪 data loggers", "HJ 212 over TCP", "#eef2f7"),
    "platform": (20, 150, 150, 56, "省市平台 platforms", "gRPC push and watch", "#eef2f7"),
    "gate": (220, 90, 150, 76, "ingest-gate", "decode · digest · ack", "#d9ebe4"),
    "ingest": (500, 40, 150, 60, "ingest", "readings · ledger", "#d9ebe4"),
    "detect": (500, 120, 150, 60, "detect", "judge · findings", "#d9ebe4"),
    "cases": (500, 200, 150, 60, "cases", "orders · clocks", "#d9ebe4"),
    "referral": (500, 280, 150, 60, "referral", "bundle · police", "#d9ebe4"),
    "notify": (500, 360, 150, 60, "notify", "SMS · receipts", "#d9ebe4"),
    "registry": (500, 440, 150, 60, "registry", "who is who", "#d9ebe4"),
    "doors": (720, 200, 130, 140, "doors", "gRPC of each service", "#dfe6f5"),
    "console": (900, 160, 150, 60, "console", "web pages", "#dfe6f5"),
    "people": (900, 60, 150, 60, "执法人员 · 企业", "officers, enterprises", "#eef2f7"),
    "police": (900, 300, 150, 60, "公安 · 检察", "police, procuratorate", "#eef2f7"),
    "sms": (900, 402, 150, 56, "短信中心 SMSC", "SMPP 3.4", "#eef2f7"),
}
ARROWS = [
    "M170 88 L220 118",
    "M170 178 L220 140",
    "M370 128 L428 128",
    "M452 70 L500 70",
    "M452 150 L500 150",
    "M452 230 L500 230",
    "M452 310 L500 310",
    "M452 470 L500 470",
    "M650 400 L900 430",
    "M650 70 L720 215",
    "M650 150 L720 235",
    "M650 230 L720 255",
    "M650 310 L720 285",
    "M650 390 L720 310",
    "M650 470 L720 330",
    "M850 230 L900 200",
    "M975 160 L975 120",
    "M850 300 L900 325",
]

MARKER = (
    "<defs><marker id='a' viewBox='0 0 8 8' refX='7' refY='4' markerWidth='7' markerHeight='7' "
    "orient='auto'><path d='M0 0L8 4L0 8z' fill='#5b6b7d'/></marker></defs>"
)


def box(values: tuple[int, int, int, int, str, str, str]) -> str:
    """Give one box with two lines of text."""
    x, y, w, h, title, subtitle, fill = values
    middle = y + h / 2
    return (
        f"<rect x='{x}' y='{y}' width='{w}' height='{h}' rx='8' fill='{fill}' stroke='#5b6b7d'/>"
        f"<text x='{x + w / 2}' y='{middle - 3}' text-anchor='middle' font-size='14' "
        f"font-weight='600' {FONT} fill='#1f2d3d'>{title}</text>"
        f"<text x='{x + w / 2}' y='{middle + 15}' text-anchor='middle' font-size='11.5' {FONT} "
        f"fill='#4a5a6a'>{subtitle}</text>"
    )


def main() -> None:
    """Write the picture."""
    parts = [
        "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 1070 560' role='img'>",
        "<title>Farsight: processes and the way of one reading</title>",
        MARKER,
        "<rect width='1070' height='560' fill='#ffffff'/>",
        "<rect x='428' y='30' width='24' height='480' rx='6' fill='#f3d9b8' stroke='#5b6b7d'/>",
        (
            f"<text x='444' y='270' font-size='13' font-weight='600' {FONT} fill='#1f2d3d' "
            "transform='rotate(-90 444 270)' text-anchor='middle'>RabbitMQ: readings by partition, "
            "events, RPC</text>"
        ),
    ]
    parts += [box(values) for values in BOXES.values()]
    parts += [
        f"<path d='{path}' fill='none' stroke='#5b6b7d' stroke-width='1.4' marker-end='url(#a)'/>"
        for path in ARROWS
    ]
    parts.append(
        f"<text x='535' y='538' text-anchor='middle' font-size='12' {FONT} fill='#4a5a6a'>"
        "PostgreSQL: one schema a service, outbox and inbox beside the state · Valkey: sessions, "
        "routes · files: raw archive, matrices, bundles</text></svg>"
    )
    target = Path(__file__).resolve().parent.parent / "docs" / "img" / "house.svg"
    target.write_text("\n".join(parts), encoding="utf-8")


if __name__ == "__main__":
    main()
