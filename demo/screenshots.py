"""The pictures of the documentation, taken of the pages that the demo has filled."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from demo.starting import Guest

if TYPE_CHECKING:
    from playwright.sync_api import Page

CHROMIUM = Path("/usr/bin/chromium")
WIDTH, HEIGHT = 1280, 800
MOST_BYTES = 150_000
# What can be read on a page, that in the fields of its forms included.
SHOWN = """() => document.body.innerText
    + [...document.querySelectorAll("input, textarea")].map(one => one.value).join(" ")"""
# What a picture must not show: where this demo happened to run.
OF_A_RUN = re.compile(r"127\.0\.0\.1|localhost|:\d{4,5}/")


class NoPicture(Exception):
    """A picture could not be taken, or shows what it must not; the text says which and why."""


def take(folder: Path, base_url: str, guest: Guest) -> list[Path]:
    """Every picture, written over those of before. Raises NoPicture.

    Playwright is imported here: the demo itself needs no browser.
    """
    from playwright.sync_api import sync_playwright  # noqa: PLC0415

    folder.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as driver:
        browser = driver.chromium.launch(
            executable_path=str(CHROMIUM), args=["--no-sandbox", "--disable-gpu"]
        )
        context = browser.new_context(
            viewport={"width": WIDTH, "height": HEIGHT},
            base_url=base_url,
            locale="en",
            color_scheme="light",
            reduced_motion="reduce",
        )
        page = context.new_page()
        space = _signed_in(page, guest)
        pictures = [taken(page, space, name, folder=folder) for name in PICTURES]
        browser.close()
    return pictures


def _signed_in(page: Page, guest: Guest) -> str:
    """The workspace's path."""
    page.goto("/sign-in")
    page.get_by_label("E-mail address").fill(guest.email)
    page.get_by_label("Password").fill(guest.password)
    page.keyboard.press("Enter")
    page.wait_for_url("**/w/**")
    found = re.search(r"/w/[^/?]+", page.url)
    if found is None:
        message = "no workspace was opened"
        raise NoPicture(message)
    if (over := page.get_by_role("button", name="End the tour")).count():
        over.click()
        # What is said once is let go by the next page.
        page.wait_for_selector(".tour", state="detached")
    return found[0]


def taken(page: Page, space: str, name: str, *, folder: Path) -> Path:
    """One picture, by a browser that is signed in. `space`: the workspace's path."""
    PICTURES[name](page, space)
    page.wait_for_load_state("networkidle")
    return kept(page, folder / f"{name}.png")


def kept(page: Page, path: Path) -> Path:
    """What the browser shows, as a file. Raises NoPicture where it must not be shown."""
    if OF_A_RUN.search(page.evaluate(SHOWN)):
        message = f"{path.stem}: the page shows an address of this run"
        raise NoPicture(message)
    path.write_bytes(page.screenshot(animations="disabled", caret="hide"))
    if path.stat().st_size > MOST_BYTES:
        message = f"{path.stem}: {path.stat().st_size} bytes are more than {MOST_BYTES}"
        raise NoPicture(message)
    return path


def _at(path: str) -> Callable[[Page, str], None]:
    """A page of the workspace."""

    def go(page: Page, space: str) -> None:
        page.goto(f"{space}{path}")

    return go


def _first(path: str, kind: str, behind: str = "") -> Callable[[Page, str], None]:
    """The first of a list of the workspace, or what lies `behind` it. `kind`: `deliveries`."""

    def go(page: Page, space: str) -> None:
        page.goto(f"{space}{path}")
        shown = page.locator(f"main a[href*='{space}/{kind}/']").evaluate_all(
            "all => all.map(one => one.getAttribute('href'))"
        )
        found = next((one for one in shown if re.search(rf"/{kind}/\d+$", one)), None)
        if found is None:
            message = f"{path} lists nothing"
            raise NoPicture(message)
        page.goto(f"{found}{behind}")

    return go


PICTURES: dict[str, Callable[[Page, str], None]] = {
    "home": _at("/"),
    "mapping": _first("/mappings", "mappings"),
    "try": _first("/mappings", "mappings", "/test"),
    "delivery": _first("/deliveries?state=dead", "deliveries"),
    "contact": _first("/contacts", "contacts"),
}
