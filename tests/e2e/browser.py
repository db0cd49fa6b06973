"""Headless Chromium for the console's tests."""

from playwright.sync_api import Page

from tests.e2e.clients import PASSWORD

CHROMIUM = "/usr/bin/chromium"


def chromium_arguments() -> list[str]:
    """Run as root, without a GPU, and without looking anything up outside this machine."""
    return [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
    ]


def sign_in(page: Page, console: str, user: str) -> None:
    """Sign in with a demo account."""
    page.goto(f"{console}/sign-in")
    page.fill("input[name=user_name]", user)
    page.fill("input[name=password]", PASSWORD)
    page.click("button[type=submit]")
    page.wait_for_load_state("networkidle")
