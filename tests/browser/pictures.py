"""Takes the pictures of the docs: `python -m tests.browser.pictures`, then look at them."""

import tempfile
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser.conftest import FLAGS, chromium_path
from tests.browser.site import Site
from tests.browser.visit import CARD, middle
from tests.support.server import ROOT, ServerProcess, running

IMAGES = ROOT / "docs" / "images"
WIDE = {"width": 1360, "height": 850}
PHONE = {"width": 390, "height": 844}
PLAIN = """<!doctype html><html lang=LANG dir=DIR><meta name=viewport content="width=device-width">
<meta name=color-scheme content="light dark"><style>body{font:17px/1.6 Georgia,serif;max-width:34em;margin:3em auto;
padding:0 1.5em}button{font:inherit;padding:.4em 1em}</style><body>BODY
<script async src="HOST/sessionmood.js" data-key="KEY" data-help-url="/help" WORDS></script>"""
ENGLISH = "<h1>Parcel tracking</h1><p>Your parcel left Rotterdam on Monday.<p><button id=apply>Show details</button>"
ARABIC = "<h1>تتبع الطرد</h1><p>غادر طردك روتردام يوم الاثنين.<p><button id=apply>عرض التفاصيل</button>"
ARABIC_WORDS = (
    'data-help-title="هل تحتاج إلى مساعدة؟" data-help-text="يبدو أن شيئًا ما لا يعمل كما تتوقع." '
    'data-help-accept="مساعدة" data-help-later="ليس الآن"'
)


def stuck(page: Page) -> None:
    """Click what is broken, until help is there and has come to rest."""
    place = middle(page, "#apply")
    for _ in range(5):
        page.mouse.click(*place)
        page.wait_for_timeout(90)
    page.locator(CARD).wait_for(state="attached", timeout=20000)
    page.mouse.move(5, 5)
    # until the clicks are dead: what a screenshot does to the page would answer them
    page.wait_for_timeout(2600)


def picture(browser: Browser, address: str, name: str, viewport: Any, scheme: Any = "light") -> None:
    context = browser.new_context(viewport=viewport, color_scheme=scheme, device_scale_factor=1.5)
    page = context.new_page()
    page.goto(address)
    page.wait_for_timeout(1200)
    stuck(page)
    page.screenshot(path=IMAGES / f"{name}.png")
    context.close()


def take(server: ServerProcess, browser: Browser) -> None:
    site = Site()
    plain = PLAIN.replace("HOST", server.base).replace("KEY", server.pk)
    site.pages["/"] = (
        plain.replace("LANG", "en").replace("DIR", "ltr").replace("BODY", ENGLISH).replace("WORDS", "")
    )
    rtl = plain.replace("LANG", "ar").replace("DIR", "rtl").replace("BODY", ARABIC)
    site.pages["/ar"] = rtl.replace("WORDS", ARABIC_WORDS)
    small = {"width": 720, "height": 480}
    picture(browser, site.base + "/", "card", small)
    picture(browser, site.base + "/", "card-dark", small, "dark")
    picture(browser, site.base + "/ar", "card-rtl", small)
    picture(browser, server.base + "/demo", "demo", WIDE)
    picture(browser, server.base + "/demo", "demo-dark", WIDE, "dark")
    picture(browser, server.base + "/demo", "demo-phone", PHONE)
    site.close()


def main() -> None:
    IMAGES.mkdir(exist_ok=True)
    folder = Path(tempfile.mkdtemp())
    with (
        running(folder, SESSIONMOOD_HELP_WARMUP=0, SESSIONMOOD_HELP_HOLDOUT=0) as server,
        sync_playwright() as driver,
    ):
        browser = driver.chromium.launch(executable_path=chromium_path(), args=FLAGS)
        take(server, browser)
        browser.close()


if __name__ == "__main__":
    main()
