#!/usr/bin/env python3
"""Records what an MSN server that others wrote answers to what a gateway ever answers in its place.

    python3 tests/recorded/msn.py ESCARGOT

ESCARGOT is a checkout of the Escargot server with its history, and Python one that has what it
needs. The ports 1863, 1864 and 8081 have to be free: `unshare -rn` gives a network of one's own.
Writes a file for each version into the folder beside this script: `=` begins a scene, `>` is what
the client said, and `<` what it was answered, a payload as its last word. In `soap.txt` these are
the path and the envelope of a request, and the status and the envelope of its answer.
"""

import base64
import hmac
import http.client
import os
import re
import select
import socket
import struct
import subprocess
import sys
import tempfile
import time
import types
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


ENVELOPE = "http://schemas.xmlsoap.org/soap/envelope/"
BOOK = "http://www.msn.com/webservices/AddressBook"
OIM = "http://messenger.live.com/ws/2006/09/oim/"
BOB_ID = "00000002-0000-4000-8000-000000000002"


def ask(notes, title, path, operation, body, header=None):
    """Sends a request; returns the envelope of its answer."""
    header = header or f'<ABAuthHeader xmlns="{BOOK}"><TicketToken>t={token(ALICE)}</TicketToken></ABAuthHeader>'
    space = OIM if operation == "Store" else BOOK
    body = body if operation == "Store" else f'<{operation} xmlns="{BOOK}">{body}</{operation}>'
    envelope = f'<soap:Envelope xmlns:soap="{ENVELOPE}"><soap:Header>{header}</soap:Header><soap:Body>{body}</soap:Body></soap:Envelope>'
    line = http.client.HTTPConnection("127.0.0.1", 8081)
    line.request("POST", path, envelope, {"SOAPAction": f'"{space}/{operation}"', "Content-Type": "text/xml; charset=utf-8", "Host": "contacts.msn.com"})
    answer = line.getresponse()
    # Templates are written over several lines, which are nothing between elements.
    text = re.sub(r">\s+<", "><", answer.read().decode())
    notes += ["= " + title, f"> {path} {envelope!r}", f"< {answer.status} {text!r}"]
    return text


def record_soap():
    """What the address book says, and who takes messages for people who are offline."""
    notes = []
    alice = Client(ALICE, 18)
    alice.list().online()
    sharing, book = "/abservice/SharingService.asmx", "/abservice/abservice.asmx"

    def contact(what):
        return f"<abId>00000000-0000-0000-0000-000000000000</abId><contacts><Contact>{what}</Contact></contacts>"

    def named(name):
        return f"<contactInfo><passportName>{name}</passportName><isMessengerUser>true</isMessengerUser></contactInfo>"

    def group(id):
        return f"<groupFilter><groupIds><guid>{id}</guid></groupIds></groupFilter>"

    def member(role, name):
        kind = 'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="PassportMember"'
        one = f"<Member {kind}><Type>Passport</Type><State>Accepted</State><PassportName>{name}</PassportName></Member>"
        return f"<memberships><Membership><MemberRole>{role}</MemberRole><Members>{one}</Members></Membership></memberships>"

    view = "<abId>00000000-0000-0000-0000-000000000000</abId><abView>Full</abView>"
    ask(notes, "the lists", sharing, "FindMembership", "<View>Full</View>")
    ask(notes, "the contacts", book, "ABFindAll", view)
    ask(notes, "the contacts in pages", book, "ABFindContactsPaged", view)
    ask(notes, "only what has changed", sharing, "FindMembership", "<View>Full</View><deltasOnly>true</deltasOnly>")
    made = ask(notes, "a new group", book, "ABGroupAdd", "<groupInfo><GroupInfo><name>Chess</name></GroupInfo></groupInfo>")
    work = made.split("<guid>")[1].split("</guid>")[0]
    ask(notes, "a group that is there", book, "ABGroupAdd", "<groupInfo><GroupInfo><name>Chess</name></GroupInfo></groupInfo>")
    for role, verb in (("Allow", "DeleteMember"), ("Block", "AddMember"), ("Block", "DeleteMember"), ("Allow", "AddMember")):
        ask(notes, f"{verb} {role}", sharing, verb, member(role, BOB))
    ask(notes, "a member that cannot be", sharing, "AddMember", member("Allow", "nobody@example.com"))
    ask(notes, "into a group", book, "ABGroupContactAdd", group(work) + contact(f"<contactId>{BOB_ID}</contactId>"))
    ask(notes, "out of the group", book, "ABGroupContactDelete", contact(f"<contactId>{BOB_ID}</contactId>") + group(work))
    info = "<contactInfo><annotations><Annotation><Name>AB.NickName</Name><Value>Bobby</Value></Annotation></annotations></contactInfo>"
    ask(notes, "a nick", book, "ABContactUpdate", contact(f"{info}<propertiesChanged>Annotation</propertiesChanged><contactId>{BOB_ID}</contactId>"))
    ask(notes, "the group gets another name", book, "ABGroupUpdate", f"<groups><Group><groupId>{work}</groupId><groupInfo><name>Go</name></groupInfo><propertiesChanged>GroupName</propertiesChanged></Group></groups>")
    ask(notes, "the group goes", book, "ABGroupDelete", group(work))
    ask(notes, "off the list", book, "ABContactDelete", contact(f"<contactId>{BOB_ID}</contactId>"))
    ask(notes, "onto the list", book, "ABContactAdd", contact(named(BOB)))
    ask(notes, "somebody who cannot be", book, "ABContactAdd", contact(named("nobody@example.com")))
    for title, name, number in (("a message for who is offline", BOB, 3), ("a message for nobody", "nobody@example.com", 1)):
        header = (
            f'<From memberName="{ALICE}" friendlyName="=?utf-8?B?QWxpY2U=?=" xmlns="{OIM}"/><To memberName="{name}" xmlns="{OIM}"/>'
            f'<Ticket passport="t={token(ALICE)}" appid="PROD" lockkey="x" xmlns="{OIM}"/>'
            '<Sequence xmlns="http://schemas.xmlsoap.org/ws/2003/03/rm"><Identifier xmlns="http://schemas.xmlsoap.org/ws/2002/07/utility">'
            f"http://messenger.msn.com</Identifier><MessageNumber>{number}</MessageNumber></Sequence>"
        )
        mime = "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=UTF-8\r\nContent-Transfer-Encoding: base64\r\nX-OIM-Message-Type: OfflineMessage\r\nX-OIM-Run-Id: {3A3BE82C-684D-4F4F-8005-CBE8D4F82BAD}\r\nX-OIM-Sequence-Num: %d\r\n\r\naGVsbG8=" % number
        ask(notes, title, "/OimWS/oim.asmx", "Store", f'<MessageType xmlns="{OIM}">text</MessageType><Content xmlns="{OIM}">{mime}</Content>', header)
    alice.ns.socket.close()
    return notes


def main():
    sys.path.insert(0, str(ESCARGOT))
    # What makes proofs asks for settings, which the server has of its own.
    sys.modules["settings_local"] = types.ModuleType("settings_local")
    git = ["git", "-C", str(ESCARGOT), "log", "-1", "--format=%h of %as"]
    of = os.environ.get("ESCARGOT_VERSION") or subprocess.check_output(git, text=True).strip()
    HERE.mkdir(exist_ok=True)
    for what in [*range(2, 19), "soap"]:
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
                notes = record_soap() if what == "soap" else record(what)
            except Exception:
                log.seek(0)
                print(log.read()[-4000:])
                raise
            finally:
                server.terminate()
                server.wait()
        kind = "SOAP" if what == "soap" else f"MSNP{what}"
        head = f"# Escargot, {of}: {kind}\n"
        (HERE / f"{what}.txt").write_text(head + "\n".join(notes) + "\n")
        print(what, len(notes))


if __name__ == "__main__":
    main()
