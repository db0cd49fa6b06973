"""`farsight handset`: a demo SMS centre (SMPP 3.4) and the phones behind it, 演示手机.

A real protocol server: notify binds to it as it would to a carrier's gateway, gets answers and
delivery receipts, and loses nothing when it restarts. What arrived is shown as phones on a web
page. It serves the demo and the tests; it relays nothing to any network.
"""

import argparse
import asyncio
import os

from services.chassis.log import configure_logging
from services.chassis.settings import ChassisSettings, address


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument(
        "--test-knobs",
        action="store_true",
        help="let POST /knobs make the centre busy, silent or slow (tests only)",
    )


def run(args: argparse.Namespace) -> int:
    """Serve until SIGTERM; reads `FARSIGHT_SMPP_BIND` and `FARSIGHT_HANDSET_BIND`."""
    from farsight.handset.serve import serve  # noqa: PLC0415 - the CLI's --help stays quick

    settings = ChassisSettings.from_env()
    configure_logging("handset", as_json=settings.log_json)
    asyncio.run(
        serve(
            folder=settings.data / "handset",
            smpp_bind=address(os.environ, "FARSIGHT_SMPP_BIND", "127.0.0.1:2775"),
            page_bind=address(os.environ, "FARSIGHT_HANDSET_BIND", "127.0.0.1:8081"),
            probe_bind=settings.probe_bind,
            test_knobs=args.test_knobs,
        )
    )
    return 0
