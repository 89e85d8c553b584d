"""A person at the chat page in Chromium, as a program: lines in, JSON events out.

    browser.py CHROMIUM AXE

CHROMIUM is the program, and AXE the script of axe-core. A line is a command and its arguments, parted
by tabs; "\\n", "\\t" and "\\\\" stand for themselves inside one. Each command is answered by `done`, or by
`failed` with what the page shows then. Errors of the page's scripts, and requests to anybody but the
gateway, are events too.
"""

import json
import re
import sys
from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import Error, expect, sync_playwright

PATIENCE = 20_000
PHONE = {"width": 390, "height": 780}
DESK = {"width": 1000, "height": 640}
ARRIVED = re.compile("Delivered|Seen")
SEVERE = ("serious", "critical")
expect.set_options(timeout=PATIENCE)


def emit(event, **fields):
    print(json.dumps({"event": event} | {k: str(v) for k, v in fields.items()}), flush=True)


class Browser:
    def __init__(self, chromium, axe):
        self.axe = axe
        self.context = chromium.new_context(viewport=DESK, color_scheme="light", locale="en-GB")
        self.context.set_default_timeout(PATIENCE)
        self.page = self.context.new_page()
        self.home = None
        self.page.on("pageerror", lambda error: emit("page-error", text=error))
        self.page.on("console", self.on_console)
        self.page.on("request", self.on_request)

    def on_console(self, message):
        # What cannot be reached while the gateway is down, and who is not signed in yet, Chromium tells
        # there too.
        if message.type == "error" and "Failed to load resource" not in message.text:
            emit("page-error", text=message.text)

    def on_request(self, request):
        host = urlsplit(request.url).netloc
        if self.home is not None and host != self.home:
            emit("page-error", text=f"the page asks {host}")

    def open(self, url):
        self.home = urlsplit(url).netloc
        self.page.goto(url)

    def accept(self, password):
        expect(self.page.get_by_text("You are invited as")).to_be_visible()
        self.page.get_by_label("Password").fill(password)
        self.page.get_by_role("button", name="Begin").click()
        self.is_in()

    def sign_in(self, name, password):
        # By keyboard alone: the name has the focus.
        expect(self.page.get_by_label("Name")).to_be_focused()
        self.page.keyboard.type(name)
        self.page.keyboard.press("Tab")
        self.page.keyboard.type(password)
        self.page.keyboard.press("Enter")
        self.is_in()

    def is_in(self):
        expect(self.page.get_by_label("Add somebody")).to_be_visible()
        expect(self.page.locator("#link")).to_be_empty()

    def has_authenticator(self):
        """The device has a place for passkeys from now on, and a finger that it knows."""
        chromium = self.context.new_cdp_session(self.page)
        chromium.send("WebAuthn.enable")
        chromium.send("WebAuthn.addVirtualAuthenticator", {"options": {
            "protocol": "ctap2", "transport": "internal", "hasResidentKey": True,
            "hasUserVerification": True, "isUserVerified": True, "automaticPresenceSimulation": True}})

    def add_passkey(self):
        self.page.get_by_role("button", name="Add a passkey").click()
        expect(self.page.locator("#link")).to_contain_text("The passkey is added")

    def show_passkey(self):
        self.page.get_by_role("button", name="Sign in with a passkey").click()
        self.is_in()

    def fails_passkey(self):
        self.page.get_by_role("button", name="Sign in with a passkey").click()
        expect(self.page.locator("#refusal")).to_contain_text("no such passkey is known here")

    def sign_out(self):
        self.page.get_by_role("button", name="Sign out").click()
        expect(self.page.get_by_role("button", name="Sign in", exact=True)).to_be_visible()
        if left := self.page.evaluate("Object.keys(localStorage)"):
            raise AssertionError(f"signing out leaves {left}")

    def add(self, name):
        self.page.get_by_label("Add somebody").fill(name)
        self.page.get_by_role("button", name="Add", exact=True).click()
        expect(self.page.locator("#with")).to_have_text(name)

    def allow(self, name):
        asking = self.page.locator(".asking", has_text=name)
        asking.get_by_role("button", name="Allow").click()
        expect(asking).to_have_count(0)

    def asked_by(self, name):
        expect(self.page.locator(".asking", has_text=name)).to_be_visible()

    def choose(self, name):
        if self.page.locator("#talk").is_visible() and self.page.locator("#with").inner_text() == name:
            return
        self.page.locator("#people").get_by_role("button").filter(has_text=name).click()
        expect(self.page.locator("#with")).to_have_text(name)

    def shows(self, name, words):
        expect(self.page.locator("#people [data-name]", has_text=name)).to_contain_text(words)

    def says(self, name, text):
        expect(self.tries(name, text)).to_have_text(ARRIVED)

    def fails(self, name, text, why):
        expect(self.tries(name, text)).to_contain_text(why)

    def tries(self, name, text):
        """Types a message. Returns the place of its state."""
        self.choose(name)
        words = self.page.get_by_label("Message", exact=True)
        words.fill(text)
        words.press("Enter")
        mine = self.page.locator(".message.mine").last
        expect(mine.locator(".words")).to_have_text(text)
        return mine.locator(".state")

    def again(self):
        self.page.get_by_role("button", name="Try again").last.click()
        expect(self.page.locator(".message.mine .state").last).to_have_text(ARRIVED)

    def reads(self, name, *texts):
        self.choose(name)
        theirs = self.page.locator(".message:not(.mine) .words")
        expect(theirs).to_have_text(list(texts))

    def sees_typing(self, name):
        self.choose(name)
        expect(self.page.locator("#typing")).to_contain_text("types")

    def offer(self, name, path):
        self.choose(name)
        self.page.locator("#file").set_input_files(path)
        expect(self.page.locator(".message.mine .state").last).to_have_text(ARRIVED)

    def call(self, name, link):
        self.choose(name)
        self.page.get_by_text("More", exact=True).click()
        self.page.get_by_role("button", name="Invite to a call").click()
        self.page.get_by_label("Address of the call").fill(link)
        self.page.get_by_role("button", name="Invite", exact=True).click()
        expect(self.page.locator(".message.mine .state").last).to_have_text(ARRIVED)

    def is_cut_off(self):
        expect(self.page.locator("#link")).to_contain_text("Not connected", timeout=60_000)

    def is_back(self):
        expect(self.page.locator("#link")).to_be_empty(timeout=60_000)

    def reload(self):
        self.page.reload()
        self.is_in()

    def looks(self, scheme, size):
        self.page.emulate_media(color_scheme=scheme)
        self.page.set_viewport_size(PHONE if size == "phone" else DESK)

    def picture(self, path):
        self.page.screenshot(path=path)

    def check(self):
        self.page.evaluate(self.axe)
        found = self.page.evaluate("axe.run().then(({violations}) => violations)")
        for rule in found:
            where = [node["html"] for node in rule["nodes"]]
            event = "severe" if rule["impact"] in SEVERE else "minor"
            emit(event, rule=rule["id"], text=rule["help"], where=where)


def main():
    chromium, axe = sys.argv[1:]
    with sync_playwright() as playwright:
        # The page that is shown is the gateway's own, and root has no sandbox.
        launched = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        browser = Browser(launched, Path(axe).read_text())
        emit("ready")
        for line in sys.stdin:
            words = line.rstrip("\n").split("\t")
            unescape = {"\\n": "\n", "\\t": "\t", "\\\\": "\\"}
            command, *arguments = (
                re.sub(r"\\[nt\\]", lambda escape: unescape[escape.group()], word) for word in words
            )
            try:
                getattr(browser, command.replace("-", "_"))(*arguments)
                emit("done", command=command)
            except (AssertionError, Error) as error:
                emit("failed", command=command, text=error, page=browser.page.inner_text("body"))


main()
