#!/usr/bin/env python3
"""Records what an AIM server that others wrote answers to what a gateway ever answers in its place.

    python3 tests/recorded/oscar.py CHECKOUT SERVER

CHECKOUT is a checkout of open-oscar-server with its history, and SERVER what was built from it. The ports from 15190 to
15196 have to be free. Writes oscar/answers.txt beside this script: `=` begins a scene, `>` is what the client said, and `<`
what it was answered: family, subtype, and the body as hexadecimal digits, in which `s:` is a name behind its length in one
byte, `l:` one behind two bytes, and `r:` one without.

Of the others `there` is signed on, `away` is that too and has an away text, and `gone` has signed off. `nobody` never was.
"""

import os
import select
import socket
import struct
import subprocess
import sys
import tempfile
import time
from hashlib import md5
from pathlib import Path

CHECKOUT, SERVER = Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve()
HERE = Path(__file__).resolve().parent / "oscar"
LISTENERS = ["OSCAR", "KERBEROS", "TOC", "API", "WEBAPI", "ICQ"]
NAMES = {"there": "BobTB", "away": "EveTB", "gone": "DanTB", "nobody": "NobodyTB", "me": "AliceTB"}
TEXT = "0501000101" "0101000600000000" "6869"
READY = "000100030004068600020001000400010003000100040001000400010004000100130003000400010009000100040001"


def tlv(kind, value):
    return struct.pack(">HH", kind, len(value)) + value


def written(body):
    """The bytes of a body."""
    out = b""
    for word in body.split():
        how, _, who = word.partition(":")
        name = NAMES.get(who, "").encode()
        out += {"s": bytes([len(name)]) + name, "l": struct.pack(">H", len(name)) + name, "r": name}.get(how) or bytes.fromhex(word)
    return out


class Connection:
    def __init__(self, port):
        self.socket, self.buffer, self.number, self.request = socket.create_connection(("127.0.0.1", port)), b"", 0, 0
        self.frame(1, 5)

    def send(self, channel, body):
        self.number += 1
        self.socket.sendall(struct.pack(">BBHH", 0x2A, channel, self.number, len(body)) + body)

    def snac(self, family, subtype, body=b""):
        self.request += 1
        self.send(2, struct.pack(">HHHI", family, subtype, 0, self.request) + body)

    def frame(self, channel, patience):
        """The next frame on `channel`, or None."""
        until = time.time() + patience
        while True:
            if len(self.buffer) >= 6 and len(self.buffer) >= 6 + (length := struct.unpack(">H", self.buffer[4:6])[0]):
                found, body = self.buffer[1], self.buffer[6 : 6 + length]
                self.buffer = self.buffer[6 + length :]
                if found == channel:
                    return body
                continue
            if not select.select([self.socket], [], [], max(0, until - time.time()))[0]:
                return None
            read = self.socket.recv(65536)
            if not read:
                return None
            self.buffer += read

    def heard(self, patience=0.4):
        """What is said until nothing is for so long: family, subtype and body."""
        said = []
        while body := self.frame(2, patience):
            family, subtype, flags, _ = struct.unpack(">HHHI", body[:10])
            content = body[10:]
            if flags & 0x8000:
                content = content[2 + struct.unpack(">H", content[:2])[0] :]
            said.append((family, subtype, content))
        return said


def signed_on(name, port):
    login = Connection(port)
    login.send(1, b"\0\0\0\1")
    login.snac(0x17, 6, tlv(1, name.encode()))
    key = login.frame(2, 5)[12:]
    digest = md5(key + b"secret" + b"AOL Instant Messenger (SM)").digest()
    login.snac(0x17, 2, tlv(1, name.encode()) + tlv(0x25, digest) + tlv(3, b"AOL Instant Messenger, version 5.9.3702/WIN32"))
    answer, fields = login.frame(2, 5)[10:], {}
    while answer:
        kind, length = struct.unpack(">HH", answer[:4])
        fields[kind], answer = answer[4 : 4 + length], answer[4 + length :]
    session = Connection(int(fields[5].split(b":")[1]))
    session.send(1, b"\0\0\0\1" + tlv(6, fields[6]))
    session.heard()
    session.snac(1, 0x17, bytes.fromhex("000100030002000100030001000400010009000100130003000a000100150001"))
    session.snac(1, 6)
    session.heard()
    session.snac(1, 8, bytes.fromhex("00010002000300040005"))
    session.snac(1, 0xE)
    session.snac(4, 2, struct.pack(">HIHHHI", 0, 0xB, 8000, 999, 999, 0))
    session.snac(0x13, 4)
    session.snac(0x13, 7)
    session.snac(1, 2, bytes.fromhex(READY))
    session.heard()
    return session


def scenes(bob):
    """Of each scene what it is called, and what the client says or who else does."""
    message = "3338353335313534 %04x %s"
    item = "l:%s %04x %04x %04x %04x"
    ack, store = " 00030000", " 00060000"
    text = " 0002000f" + TEXT
    offer = " 00050024" "0000" "3338353335313534" "094613434c7f11d18222444553540000" "000a00020001" "000f0000"
    cancel = " 0005001a" "0001" "3338353335313534" "094613434c7f11d18222444553540000"
    yield "denying one", (9, 7, "s:nobody")
    yield "denying one no longer", (9, 8, "s:nobody")
    yield "permitting one", (9, 5, "s:nobody")
    yield "permitting one no longer", (9, 6, "s:nobody")
    yield "a message to one who is there", (4, 6, message % (1, "s:there") + text + ack)
    yield "a message to one who is not", (4, 6, message % (1, "s:gone") + text + ack)
    yield "a message to nobody", (4, 6, message % (1, "s:nobody") + text + ack)
    yield "a message to be kept for one who is not there", (4, 6, message % (1, "s:gone") + text + ack + store)
    yield "an offer to one who is not there", (4, 6, message % (2, "s:gone") + offer)
    yield "an offer to nobody", (4, 6, message % (2, "s:nobody") + offer)
    yield "the end of an offer to nobody", (4, 6, message % (2, "s:nobody") + cancel)
    yield "typing to one who is there", (4, 0x14, message % (1, "s:there") + " 0002")
    yield "typing to one who is not", (4, 0x14, message % (1, "s:gone") + " 0002")
    yield "typing to nobody", (4, 0x14, message % (1, "s:nobody") + " 0002")
    yield "a warning of one who said nothing", (4, 8, "0000 s:there")
    yield "a warning of one who is not there", (4, 8, "0000 s:gone")
    yield "a warning of nobody", (4, 8, "0000 s:nobody")
    yield "a refusal of something that came", (4, 0xB, message % (1, "s:there") + " 0003")
    yield "the away text of one who is there", (2, 5, "0003 s:there")
    yield "the away text of one who is away", (2, 5, "0003 s:away")
    yield "the away text of one who is not there", (2, 5, "0003 s:gone")
    yield "the away text of nobody", (2, 5, "0003 s:nobody")
    yield "the profile of one who is there", (2, 5, "0001 s:there")
    yield "profile and away text of one who is away", (2, 0x15, "00000003 s:away")
    yield "profile and away text of one who is not there", (2, 0x15, "00000003 s:gone")
    yield "the directory entry of one who is there", (2, 0xB, "s:there")
    yield "the directory entry of nobody", (2, 0xB, "s:nobody")
    yield "watching one who is there", (3, 4, "s:there")
    yield "watching one who is away", (3, 4, "s:away")
    yield "watching one who is not there", (3, 4, "s:gone")
    yield "watching nobody", (3, 4, "s:nobody")
    yield "watching one no longer", (3, 5, "s:there")
    yield "watching for once one who is there", (3, 0xF, "s:there")
    yield "watching for once no longer", (3, 0x10, "s:there")
    yield "a search for an address", (0xA, 2, "r:nobody")
    yield "a group is added", (0x13, 8, "0007467269656e6473 0001 0000 0001 0000")
    yield "a buddy is added", (0x13, 8, item % ("gone", 1, 2, 0, 0))
    yield "a buddy is added twice", (0x13, 8, item % ("gone", 1, 2, 0, 0))
    yield "a buddy is renamed", (0x13, 9, item % ("gone", 1, 2, 0, 6) + " 0131 0002 4444")
    yield "a buddy that is not there is renamed", (0x13, 9, item % ("gone", 1, 9, 0, 6) + " 0131 0002 4444")
    yield "a buddy is removed", (0x13, 0xA, item % ("gone", 1, 2, 0, 0))
    yield "a buddy that is not there is removed", (0x13, 0xA, item % ("gone", 1, 2, 0, 0))
    yield "one is denied in the list", (0x13, 8, item % ("gone", 0, 3, 3, 0))
    yield "a request for authorisation", (0x13, 0x18, "s:there 0002 6869 0000")
    yield "an authorisation", (0x13, 0x14, "s:there 0002 6869 0000")
    yield "an answer to a request", (0x13, 0x1A, "s:there 01 0000")
    yield "details of nobody", (0x15, 2, "0001 0010 0e00 01000000 d007 3412 ba04 e9030000")

    def says():
        bob.snac(4, 6, written(message % (1, "s:me") + text))

    def types():
        bob.snac(4, 0x14, written(message % (1, "s:me") + " 0002"))

    def answers():
        bob.snac(4, 6, written(message % (1, "s:me") + text + " 00040000"))

    yield "one says something", says
    yield "one answers on its own", answers
    yield "one types", types


def body_of(content):
    """A body as it is noted, with the names in it for what they are."""
    digits = content.hex()
    for who, name in NAMES.items():
        for how, length in (("l", f"00{len(name):02x}"), ("s", f"{len(name):02x}"), ("r", "")):
            for spelled in (name, name.lower()):
                digits = digits.replace(length + spelled.encode().hex(), f" {how}:{who} ")
    return " ".join(digits.split())


def main():
    with tempfile.TemporaryDirectory() as folder:
        address = lambda n: f"127.0.0.1:{15190 + n}"
        ours = {f"{name}_LISTENER{'S' if name in ('OSCAR', 'KERBEROS', 'TOC', 'WEBAPI') else ''}": address(n) for n, name in enumerate(LISTENERS)}
        ours["OSCAR_LISTENERS"] = ours["OSCAR_ADVERTISED_LISTENERS_PLAIN"] = f"HERE://{address(0)}"
        ours["KERBEROS_LISTENERS"] = f"HERE://{address(1)}"
        settings = {**os.environ, **ours, "DB_PATH": f"{folder}/users", "DISABLE_AUTH": "true", "DISABLE_MULTI_LOGIN_NOTIF": "true",
                    "LOG_LEVEL": "error", "ICQ_LEGACY_ENABLED": "false", "ICQ_LEGACY_UDP_LISTENER": address(6)}
        server = subprocess.Popen([SERVER], env=settings, cwd=folder, stdout=subprocess.DEVNULL)
        try:
            time.sleep(3)
            record(15190)
        finally:
            server.terminate()


def record(port):
    version = subprocess.run(["git", "-C", CHECKOUT, "describe", "--tags"], capture_output=True, text=True, check=True).stdout.strip()
    lines = [f"# open-oscar-server {version}"]
    signed_on(NAMES["gone"], port).socket.close()
    others = {who: signed_on(NAMES[who], port) for who in ("there", "away")}
    mime = tlv(3, b'text/aolrtf; charset="us-ascii"')
    others["away"].snac(2, 4, tlv(1, b'text/aolrtf; charset="us-ascii"') + tlv(2, b"profile") + mime + tlv(4, b"away"))
    others["there"].snac(2, 4, tlv(1, b'text/aolrtf; charset="us-ascii"') + tlv(2, b"profile"))
    alice = signed_on(NAMES["me"], port)
    time.sleep(1)
    alice.heard()
    for title, said in scenes(others["there"]):
        lines.append(f"= {title}")
        # Slower than the server's limits.
        time.sleep(2.5)
        if callable(said):
            said()
        else:
            family, subtype, body = said
            lines.append(f"> {family:02x}/{subtype:02x} {' '.join(body.split())}".rstrip())
            alice.snac(family, subtype, written(body))
        for family, subtype, content in alice.heard(0.7):
            lines.append(f"< {family:02x}/{subtype:02x} {body_of(content)}".rstrip())
    # Last, since it ends what others say.
    alice.snac(3, 4, written("s:there"))
    alice.heard()
    lines.append("= one goes")
    others["there"].socket.close()
    for family, subtype, content in alice.heard(2):
        lines.append(f"< {family:02x}/{subtype:02x} {body_of(content)}".rstrip())
    HERE.mkdir(exist_ok=True)
    (HERE / "answers.txt").write_text("\n".join(lines) + "\n")


main()
