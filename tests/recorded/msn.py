#!/usr/bin/env python3
"""Records what an MSN server that others wrote answers to what a gateway ever answers in its place.

    python3 tests/recorded/msn.py ESCARGOT

ESCARGOT is a checkout of the Escargot server with its history, and Python one that has what it
needs. The ports 1863, 1864 and 8081 have to be free: `unshare -rn` gives a network of one's own.
Writes a file for each version into the folder beside this script: `=` begins a scene, `>` is what
the client said, and `<` what it was answered, a payload as its last word.
"""

import base64
import hmac
import os
import select
import socket
import struct
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from hashlib import sha1
from pathlib import Path

ESCARGOT = Path(sys.argv[1]).resolve()
HERE = Path(__file__).resolve().parent / "msn"
ALICE, BOB, DAVE = "alice@example.com", "bob@example.com", "dave@example.com"
MACHINE = {ALICE: "{1be99e6d-1c6e-4bea-8b3e-9c464006a774}", BOB: "{2be99e6d-1c6e-4bea-8b3e-9c464006a774}"}
TEXT = "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=UTF-8\r\n\r\n"
SETTINGS = """
DB = 'sqlite:///{0}/db'
STATS_DB = 'sqlite:///{0}/stats'
TARGET_HOST = '127.0.0.1'
"""
SERVE = """
import sys, types, asyncio, inspect
sys.path.insert(0, {escargot!r})
settings = types.ModuleType('settings_local'); exec({settings!r}, settings.__dict__)
sys.modules['settings_local'] = settings
asyncio.set_event_loop(asyncio.new_event_loop())
import settings as all_settings
from core import db, stats
from core.conn import Conn
from core.models import Lst
from core.auth import LoginAuthService
from script.user import set_passwords
connection = Conn(all_settings.DB)
db.Base.metadata.create_all(connection.engine)
stats.Base.metadata.create_all(Conn(all_settings.STATS_DB).engine)
names = {names!r}
ids = {{name: '0000000%d-0000-4000-8000-00000000000%d' % (n, n) for n, name in enumerate(names, 1)}}
with connection.session() as session:
    for n, name in enumerate(names, 1):
        nick = name.split('@')[0].title() + ' X'
        user = db.User(id=n, uuid=ids[name], email=name, username=name.split('@')[0], verified=True,
                       name=nick, friendly_name=nick, message='', groups=[], settings={{}})
        set_passwords(user, 'secret', support_old_msn=True)
        session.add(user)
    for n, (one, other) in enumerate([(0, 1), (1, 0)]):
        session.add(db.UserContact(
            user_id=one + 1, contact_id=other + 1, user_uuid=ids[names[one]], uuid=ids[names[other]],
            name=names[other].split('@')[0].title() + ' X', lists=int(Lst.FL | Lst.AL | Lst.RL), groups=[], is_messenger_user=True,
            index_id=str(n)))
tokens = LoginAuthService(connection)
for name in names:
    tokens.create_token('nb/login', [ids[name], {secret!r}], token=('token' + name.split('@')[0]).ljust(20, 'x'), lifetime=86400)
import run_all
run_all.main()
"""
SECRET = base64.b64encode(b"s" * 24).decode()


def token(name):
    return ("token" + name.split("@")[0]).ljust(20, "x")


def proof(challenge):
    """What a client since MSNP15 proves a ticket with."""
    from front.msn.misc import encrypt_with_key_and_iv_tripledes_cbc, generate_rps_key

    secret, iv = base64.b64decode(SECRET), b"12345678"
    keys = [generate_rps_key(secret, b"WS-SecureConversationSESSION KEY " + what) for what in (b"HASH", b"ENCRYPTION")]
    cipher = encrypt_with_key_and_iv_tripledes_cbc(keys[1], iv, challenge)
    front = struct.pack("<IIIIIII", 28, 1, 0x6603, 0x8004, 8, 20, len(cipher))
    return base64.b64encode(front + iv + hmac.new(keys[0], challenge, sha1).digest() + cipher).decode()


class Line:
    """One connection, and what is recorded of it."""

    def __init__(self, port, notes=None):
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.buffer, self.number, self.notes = b"", 0, notes

    def say(self, verb, *words, payload=None):
        self.number += 1
        line = " ".join([verb, str(self.number), *words])
        if payload is not None:
            line += f" {len(payload.encode())}"
        if self.notes is not None:
            self.notes.append("> " + line + ("" if payload is None else " " + repr(payload)))
        self.socket.sendall(line.encode() + b"\r\n" + (payload or "").encode())
        return self

    def command(self):
        line, end, rest = self.buffer.partition(b"\r\n")
        words = line.decode().split(" ")
        if not end:
            return None
        length = int(words[-1]) if words[0] in ("MSG", "UBX", "GCF", "NOT", "ADL", "RML", "FQY", "UBM") and words[-1].isdigit() else 0
        if len(rest) < length:
            return None
        self.buffer = rest[length:]
        payload = rest[:length].decode(errors="replace")
        if self.notes is not None and words[0] not in ("GCF", "NOT", "SBS") and words[1:2] != ["Hotmail"]:
            self.notes.append("< " + " ".join(words) + (" " + repr(payload) if length else ""))
        return words

    def hear(self, verb=None, patience=0.25):
        """What comes, up to `verb` if one is awaited."""
        heard, until = [], time.time() + (3 if verb else patience)
        while time.time() < until:
            words = self.command()
            if words:
                heard.append(words)
                if words[0] == verb:
                    return heard + self.hear(None, 0.1)
            elif select.select([self.socket], [], [], max(0, until - time.time()))[0]:
                data = self.socket.recv(65536)
                if not data:
                    break
                self.buffer += data
        return heard


class Client:
    def __init__(self, name, version, notes=None):
        self.name, self.version, self.notes = name, version, notes
        self.ns = Line(1863, None)
        self.ns.say("VER", f"MSNP{version}", "CVR0").hear("VER")
        self.ns.say("CVR", "0x0409", "winnt", "5.1", "i386", "MSNMSGR", "8.0", "MSMSGS", name).hear("CVR")
        if version < 8:
            salt = self.ns.say("USR", "MD5", "I", name).hear("USR")[0][4]
            from hashlib import md5

            self.ns.say("USR", "MD5", "S", md5((salt + "secret").encode()).hexdigest()).hear("USR")
        elif version < 15:
            self.ns.say("USR", "TWN", "I", name).hear("USR")
            self.ns.say("USR", "TWN", "S", "t=" + token(name)).hear("USR")
        else:
            answer = self.ns.say("USR", "SSO", "I", name).hear("USR")
            challenge = [words for words in answer if words[0] == "USR"][0][5].encode()
            more = [MACHINE[name]] if version >= 16 else []
            self.ns.say("USR", "SSO", "S", "t=" + token(name), proof(challenge), *more).hear("USR")
        self.ns.notes = notes

    def scene(self, title):
        if self.notes is not None:
            self.notes.append("= " + title)
        return self

    def called(self):
        return self.name + (";" + MACHINE[self.name] if self.version >= 16 else "")

    def list(self):
        if self.version < 13:
            self.ns.say("SYN", *["0"] * (2 if self.version >= 10 else 1)).hear()
        else:
            # The list is in the address book.
            self.ns.notes, notes = None, self.ns.notes
            self.ns.say("ADL", payload='<ml l="1"><d n="example.com"><c n="bob" l="3" t="1"/></d></ml>').hear("ADL")
            self.ns.notes = notes
        return self

    def online(self, status="NLN"):
        capabilities = [] if self.version < 8 else ["268435456:48" if self.version >= 16 else "268435456"]
        self.ns.say("CHG", status, *capabilities).hear("CHG")
        return self

    def talk(self):
        place = [w for w in self.ns.say("XFR", "SB").hear("XFR") if w[0] == "XFR"][0]
        line = Line(1864, self.notes)
        line.say("USR", self.called(), place[5]).hear("USR")
        return line

    def answer(self, ring):
        line = Line(1864, self.notes)
        line.say("ANS", self.called(), ring[4], ring[1]).hear("ANS")
        return line


def edits(alice):
    """Changes of lists."""
    ns, version = alice.ns, alice.version
    if version >= 13:
        def change(verb, l, who=BOB):
            user, domain = who.split("@")
            ns.say(verb, payload=f'<ml><d n="{domain}"><c n="{user}" l="{l}" t="1"/></d></ml>').hear(verb)
        for verb, lists in (("RML", "2"), ("ADL", "4"), ("RML", "4"), ("ADL", "2")):
            change(verb, lists)
        change("ADL", "3", "nobody@example.com")
        if version >= 14:
            for who in (BOB, "nobody@example.com"):
                user, domain = who.split("@")
                ns.say("FQY", payload=f'<ml><d n="{domain}"><c n="{user}"/></d></ml>').hear("FQY")
        return
    if version < 10:
        ns.say("REM", "AL", BOB).hear("REM")
        ns.say("ADD", "BL", BOB, "Bob%20X").hear("ADD")
        ns.say("REM", "BL", BOB).hear("REM")
        ns.say("ADD", "AL", BOB, "Bob%20X").hear("ADD")
        ns.say("REM", "FL", BOB).hear("REM")
        ns.say("ADD", "FL", BOB, "Bob%20X", *(["0"] if version >= 7 else [])).hear("ADD")
        ns.say("ADD", "FL", "nobody@example.com", "Nobody").hear()
        ns.say("REA", BOB, "Bob%20Y").hear("REA")
        return
    ns.say("REM", "AL", BOB).hear("REM")
    ns.say("ADC", "BL", "N=" + BOB).hear("ADC")
    ns.say("REM", "BL", BOB).hear("REM")
    ns.say("ADC", "AL", "N=" + BOB).hear("ADC")
    ns.say("REM", "FL", "00000002-0000-4000-8000-000000000002").hear("REM")
    ns.say("ADC", "FL", "N=" + BOB, "F=Bob%20X").hear("ADC")
    ns.say("SBP", "00000002-0000-4000-8000-000000000002", "MFN", "Bob%20Y").hear("SBP")
    group = [w for w in ns.say("ADG", "Work%20x", "0").hear("ADG") if w[0] == "ADG"][0]
    ns.say("ADC", "FL", "C=00000002-0000-4000-8000-000000000002", group[3]).hear("ADC")
    ns.say("REM", "FL", "00000002-0000-4000-8000-000000000002", group[3]).hear("REM")
    ns.say("ADC", "FL", "N=nobody@example.com", "F=Nobody").hear()


def switchboards(alice, bob):
    """Conversations that the client opens."""
    alice.scene("opens a conversation")
    line = alice.talk()
    alice.scene("calls herself")
    line.say("CAL", ALICE).hear()
    alice.scene("calls who is offline")
    line.say("CAL", DAVE).hear()
    alice.scene("calls who cannot be")
    line.say("CAL", "nobody@example.com").hear()
    alice.scene("calls the other")
    line.say("CAL", BOB).hear("CAL")
    ring = [words for words in bob.ns.hear("RNG") if words[0] == "RNG"][0]
    other = bob.answer(ring)
    line.hear("JOI")
    alice.scene("calls who is there")
    line.say("CAL", BOB).hear()
    for letter in "UNAD":
        alice.scene("says something " + letter)
        line.say("MSG", letter, payload=TEXT + "hello").hear()
    alice.scene("hears something")
    other.say("MSG", "N", payload=TEXT + "hi").hear()
    line.hear()
    alice.scene("the other leaves")
    other.socket.close()
    line.hear()
    line.socket.close()


def rings(alice, bob):
    """Conversations that the other opens."""
    alice.scene("is rung")
    line = bob.talk()
    line.say("CAL", ALICE).hear("CAL")
    ring = [words for words in alice.ns.hear("RNG") if words[0] == "RNG"][0]
    answered = alice.answer(ring)
    answered.hear()
    line.socket.close()
    answered.hear()
    answered.socket.close()


def record(version):
    notes = []
    bob = Client(BOB, version)
    bob.list().online()
    if version >= 11:
        bob.ns.say("UUX", payload="<Data><PSM>1 &lt; 2</PSM><CurrentMedia></CurrentMedia></Data>").hear()
    alice = Client(ALICE, version, notes)
    alice.scene("asks for the list").list()
    alice.scene("goes online").online()
    alice.scene("the other is away")
    bob.online("AWY").ns.hear()
    alice.ns.hear()
    switchboards(alice, bob)
    rings(alice, bob)
    alice.scene("changes lists")
    edits(alice)
    alice.scene("the other goes")
    bob.ns.socket.close()
    alice.ns.hear()
    alice.ns.socket.close()
    time.sleep(0.2)
    return notes


def main():
    sys.path.insert(0, str(ESCARGOT))
    git = ["git", "-C", str(ESCARGOT), "log", "-1", "--format=%h of %as"]
    of = os.environ.get("ESCARGOT_VERSION") or subprocess.check_output(git, text=True).strip()
    HERE.mkdir(exist_ok=True)
    for version in range(2, 19):
        with tempfile.TemporaryDirectory() as folder:
            # Its modules read their settings from a module of that name, which is another here.
            code = SERVE.format(escargot=str(ESCARGOT), settings=SETTINGS.format(folder), names=[ALICE, BOB, DAVE], secret=SECRET)
            log = open(Path(folder) / "log", "w+")
            server = subprocess.Popen([sys.executable, "-c", code], cwd=ESCARGOT, stdout=log, stderr=log)
            try:
                for _ in range(100):
                    try:
                        socket.create_connection(("127.0.0.1", 1864)).close()
                        break
                    except OSError:
                        time.sleep(0.1)
                notes = record(version)
            except Exception:
                log.seek(0)
                print(log.read()[-4000:])
                raise
            finally:
                server.terminate()
                server.wait()
        head = f"# Escargot, {of}: MSNP{version}\n"
        (HERE / f"{version}.txt").write_text(head + "\n".join(notes) + "\n")
        print(version, len(notes))


if __name__ == "__main__":
    main()
