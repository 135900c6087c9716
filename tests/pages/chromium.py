"""What tests do with the fixture `chromium`: open a browser of their own, sign in, open pages."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.pages.conftest import CHROMIUM, PASSWORD, Browser

PHONE = {"width": 375, "height": 740}
SCREEN = {"width": 1280, "height": 850}

needs_chromium = [
    pytest.mark.skipif(not CHROMIUM.exists(), reason="needs Debian's chromium"),
    pytest.mark.timeout(300),
]


@contextmanager
def opened(chromium: Any, address: str, **options: Any) -> Iterator[Any]:
    """A browser of its own. `page.complaints` is what it said of the pages."""
    told = {"viewport": SCREEN, "base_url": address, "reduced_motion": "reduce", **options}
    context = chromium.new_context(**told)
    page = context.new_page()
    page.complaints = []
    page.on("console", lambda said: page.complaints.append(f"{said.type}: {said.text}"))
    page.on("pageerror", lambda said: page.complaints.append(str(said)))
    yield page
    context.close()


def sign_in(page: Any, browser: Browser) -> None:
    page.goto("/sign-in")
    page.get_by_label("E-mail address").fill(browser.email)
    page.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/w/**")


def open_page(page: Any, path: str) -> None:
    """The page with all its parts."""
    page.goto(path)
    # htmx marks what it has asked for; it has begun when the page is loaded.
    page.locator(".htmx-request").first.wait_for(state="detached")
