"""Take the pictures of the README from a running platform, in a real browser.

    python tools/screenshots.py --url http://127.0.0.1:8080 --out docs/img

Signs in with the demo logins of `farsight up --demo`; shows whatever the platform shows now.
"""

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
#: An incinerator of the demo that has nearly used its exempt hours.
FURNACE = "91130408FARX00267T-DA002"
#: An outlet of the demo with meters and a control order.
METERED = "91130481FARX00099F-DA001"
#: Milliseconds a page may take.
PATIENCE_MS = 30_000


@dataclass(frozen=True)
class Login:
    """A demo account."""

    user_name: str
    password: str


class Camera:
    """Takes pictures of pages as one signed-in person."""

    def __init__(self, browser: Browser, url: str, out: Path, login: Login) -> None:
        self._out = out
        self._url = url
        self.page: Page = browser.new_page(
            viewport={"width": 1360, "height": 860}, device_scale_factor=1.25
        )
        self.page.set_default_timeout(PATIENCE_MS)
        self.faults: list[str] = []
        self.page.on("console", self._note)
        self.page.on("pageerror", lambda error: self.faults.append(str(error)))
        self._sign_in(login)

    def _note(self, message: object) -> None:
        if getattr(message, "type", "") in ("error", "warning"):
            self.faults.append(str(getattr(message, "text", message)))

    def _sign_in(self, login: Login) -> None:
        self.page.goto(f"{self._url}/sign-in")
        self.page.fill("#user_name", login.user_name)
        self.page.fill("#password", login.password)
        self.page.click("button.main")
        self.page.wait_for_selector(".menu")

    def take(self, name: str, path: str = "") -> None:
        """Open a page of the console (or stay) and keep its picture."""
        if path:
            self.page.goto(self._url + path)
        self.page.wait_for_load_state("load")
        if self.page.locator("[data-curves]").count():
            drawn = "[data-curves] svg path, [data-curves] .none"
            self.page.wait_for_selector(drawn, state="attached")
            self.page.wait_for_timeout(800)
        self.page.screenshot(path=self._out / f"{name}.png")
        print(f"{name}: {self.page.url}")

    def follow(self, selector: str) -> bool:
        """Click the first link of this kind; False when there is none."""
        links = self.page.locator(selector)
        if not links.count():
            return False
        self.page.goto(self._url + str(links.first.get_attribute("href")))
        return True


def take_all(browser: Browser, url: str, out: Path, officer: Login, others: list[Login]) -> int:
    """Take the officer's pages, from the overview to a case, then what the others see."""
    camera = Camera(browser, url, out, officer)
    camera.take("overview", "/")
    camera.take("queue", "/matters")
    if camera.follow("table.queue tr:has(.level-dispatch) a[href^='/matters/']"):
        camera.take("order")
    camera.take("outlets", "/outlets")
    camera.take("furnace", f"/furnaces/{FURNACE}")
    camera.take("power", f"/outlets/{METERED}/power")
    camera.take("outside_map", "/outside/map")
    camera.take("outside_clues", "/outside/clues")
    if camera.follow("table.clues a[href^='/outside/clues/']"):
        camera.take("outside_clue")
    camera.take("screening", "/screening")
    camera.take("radar", "/screening/radar")
    camera.take("cases", "/matters?kind=case&state=all")
    if camera.follow("table.queue a[href^='/matters/']"):
        camera.take("case")
        if camera.follow("main a[href^='/outlets/']"):
            camera.take("outlet")
        if camera.follow("a[href^='/findings/']"):
            camera.take("finding")
            if camera.follow("main a[href*='/days/']"):
                camera.take("day")
    faults = list(camera.faults)
    for login in others:
        other = Camera(browser, url, out, login)
        other.take(login.user_name.replace(".", "-"))
        if other.follow("main a[href^='/referrals/']"):
            other.take("referral")
        elif other.follow("main a[href^='/matters/']"):
            other.take("answer")
        if other.page.locator(".menu a[href='/marks']").count():
            other.take("marks", "/marks")
        faults += other.faults
    for fault in faults:
        print(f"the browser complained: {fault}", file=sys.stderr)
    return 1 if faults else 0


def login(text: str) -> Login:
    """Read "user:password"."""
    user_name, _, password = text.partition(":")
    return Login(user_name, password or "farsight-demo")


def main() -> int:
    """Take the pictures; exit code 1 when the browser complained about a page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", required=True, help="address of the console")
    parser.add_argument("--out", type=Path, default=Path("docs/img"), help="folder for the PNGs")
    parser.add_argument("--officer", type=login, default=login("leader.130000"))
    parser.add_argument("--other", type=login, action="append", default=[], help="user:password")
    asked = parser.parse_args()
    asked.out.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        try:
            return take_all(browser, asked.url.rstrip("/"), asked.out, asked.officer, asked.other)
        finally:
            browser.close()


if __name__ == "__main__":
    sys.exit(main())
