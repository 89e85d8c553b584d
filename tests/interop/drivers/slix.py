"""A person at a slixmpp client, as a program: lines in, JSON events out.

    slix.py JID PASSWORD HOST PORT [SOCKS-PORT] [CA-FILE]

A line is a command and its arguments, parted by tabs; "\\n", "\\t" and "\\\\" stand for themselves
inside one. What a client would show becomes an event; a request to be added waits for `answer`.
"""

import asyncio
import json
import socket
import struct
import sys
from xml.etree import ElementTree

import slixmpp
from slixmpp.xmlstream.handler import Callback
from slixmpp.xmlstream.matcher import MatchXPath

SHOWS = ("chat", "away", "xa", "dnd")
CHATSTATES = ("active", "composing", "paused", "inactive", "gone")


def emit(event, **fields):
    print(json.dumps({"event": event} | {k: str(v) for k, v in fields.items()}), flush=True)


async def through_socks(loop, proxy_port, host, port):
    """A connection to a name that the proxy resolves (RFC 1928, no authentication)."""
    proxy = socket.socket()
    proxy.setblocking(False)
    await loop.sock_connect(proxy, ("127.0.0.1", proxy_port))
    await loop.sock_sendall(proxy, b"\x05\x01\x00")
    if await exactly(loop, proxy, 2) != b"\x05\x00":
        raise OSError("the proxy wants a password")
    name = host.encode()
    request = b"\x05\x01\x00\x03" + bytes([len(name)]) + name + struct.pack(">H", port)
    await loop.sock_sendall(proxy, request)
    reply = await exactly(loop, proxy, 10)
    if reply[1] != 0:
        raise OSError(f"the proxy answered {reply[1]}")
    return proxy


async def exactly(loop, sock, count):
    got = b""
    while len(got) < count:
        more = await loop.sock_recv(sock, count - len(got))
        if not more:
            raise OSError("the proxy hung up")
        got += more
    return got


class Client(slixmpp.ClientXMPP):
    def __init__(self, jid, password):
        super().__init__(jid, password)
        self.listed = set()
        self.auto_authorize = None
        self.auto_subscribe = False
        self.enable_direct_tls = False
        for plugin in ("xep_0030", "xep_0085", "xep_0092", "xep_0184", "xep_0191", "xep_0198",
                       "xep_0199", "xep_0203", "xep_0224", "xep_0280", "xep_0308", "xep_0319"):
            self.register_plugin(plugin)
        on = self.add_event_handler
        on("session_start", self.on_start)
        on("session_resumed", lambda _: emit("resumed"))
        on("sm_failed", lambda _: emit("resume-failed"))
        on("disconnected", lambda why: emit("disconnected", why=why))
        on("failed_auth", lambda _: emit("connection-error", text="not authorised"))
        on("connection_failed", lambda why: emit("connection-error", text=why))
        on("ssl_invalid_chain", lambda why: emit("connection-error", text=why))
        on("message", self.on_message)
        on("message_error", self.on_message_error)
        on("carbon_received", lambda m: self.on_carbon("received", m["carbon_received"]))
        on("carbon_sent", lambda m: self.on_carbon("sent", m["carbon_sent"]))
        on("receipt_received", lambda m: emit("receipt", name=m["from"].bare, id=m["receipt"]))
        on("roster_update", self.on_roster)
        for show in ("available", "unavailable", *SHOWS):
            on(f"presence_{show}", self.on_presence)
        on("presence_error", self.on_presence_error)
        for kind in ("subscribe", "subscribed", "unsubscribe", "unsubscribed"):
            on(f"presence_{kind}", self.on_subscription)
        for state in CHATSTATES:
            on(f"chatstate_{state}", self.on_chatstate)
        self.register_handler(
            Callback("stream error", MatchXPath("{http://etherx.jabber.org/streams}error"),
                     lambda e: emit("stream-error", text=ElementTree.tostring(e.xml, "unicode"))))

    async def on_start(self, _):
        await self.get_roster()
        await self.plugin["xep_0280"].enable()
        self.send_presence()
        emit("connected", name=self.boundjid.full)

    def on_message(self, message):
        if message["type"] in ("chat", "normal") and message["body"]:
            emit("im", name=message["from"].bare, resource=message["from"].resource,
                 text=message["body"], id=message["id"],
                 html=self.markup(message), delayed="yes" if message.xml.find(
                     "{urn:xmpp:delay}delay") is not None else "no")

    @staticmethod
    def markup(message):
        html = message.xml.find("{http://jabber.org/protocol/xhtml-im}html")
        return "" if html is None else ElementTree.tostring(html, "unicode")

    def on_message_error(self, message):
        emit("error", name=message["from"].bare, id=message["id"],
             condition=message["error"]["condition"], text=message["error"]["text"])

    def on_presence_error(self, presence):
        emit("error", name=presence["from"].bare, condition=presence["error"]["condition"],
             text=presence["error"]["text"])

    def on_carbon(self, way, message):
        emit("carbon", way=way, name=message["to" if way == "sent" else "from"].bare,
             text=message["body"])

    def on_chatstate(self, message):
        state = {"composing": "typing", "paused": "paused"}.get(message["chat_state"], "no")
        emit("typing", name=message["from"].bare, state=state)

    def on_presence(self, presence):
        away = presence["type"] if presence["type"] in SHOWS else ""
        idle = presence.xml.find("{urn:xmpp:idle:1}idle")
        emit("buddy", name=presence["from"].bare, resource=presence["from"].resource,
             online="no" if presence["type"] == "unavailable" else "yes",
             show=away or "available", status=presence["status"],
             idle="" if idle is None else idle.get("since"))

    def on_subscription(self, presence):
        emit("subscription", name=presence["from"].bare, kind=presence["type"],
             text=presence["status"])

    def on_roster(self, iq):
        for jid, item in iq["roster"]["items"].items():
            (self.listed.discard if item["subscription"] == "remove" else self.listed.add)(str(jid))
            emit("roster", name=jid, alias=item["name"], subscription=item["subscription"],
                 ask=item["ask"] or "", groups="|".join(sorted(item["groups"])))

    async def run(self, words):
        name, arg = words[0], words[1:] + [""] * 4
        match name:
            case "im":
                message = self.make_message(mto=arg[0], mbody=arg[1], mtype="chat")
                message["request_receipt"] = True
                # Says that this client wants to know of typing (XEP-0085).
                message["chat_state"] = "active"
                message.send()
                emit("sent", name=arg[0], id=message["id"])
            case "typing":
                message = self.make_message(mto=arg[0], mtype="chat")
                message["chat_state"] = {"typing": "composing", "paused": "paused"}.get(
                    arg[1], "active")
                message.send()
            case "nudge":
                self.plugin["xep_0224"].request_attention(arg[0])
            case "add":
                groups = [arg[1]] if arg[1] else []
                await self.update_roster(arg[0], name=arg[2] or None, groups=groups)
                self.send_presence(pto=self.bare(arg[0]), ptype="subscribe", pstatus=arg[3] or None)
            case "remove":
                await self.del_roster_item(arg[0])
            case "answer":
                grant = arg[1] == "yes"
                self.send_presence(pto=arg[0], ptype="subscribed" if grant else "unsubscribed")
            case "list":
                # A server with roster versions says only what has changed since the last time.
                await self.get_roster()
                for jid in sorted(self.listed):
                    item = self.client_roster[jid]
                    emit("listed", name=jid, alias=item["name"],
                         subscription=item["subscription"],
                         group="|".join(sorted(item["groups"])))
                emit("list-end")
            case "away":
                self.send_presence(pshow="away", pstatus=arg[0])
            case "available":
                self.send_presence(pstatus=arg[0] or None)
            case "block":
                await self.plugin["xep_0191"].block(arg[0])
            case "raw":
                self.send_raw(arg[0])
            case "cut":
                self.abort()
            case "offline":
                await self.disconnect()
            case "quit":
                self.disconnect()
                sys.exit(0)
            case _:
                emit("refused", why=f"unknown command {name}")

    @staticmethod
    def bare(jid):
        return slixmpp.JID(jid).bare


def unescape(text):
    return text.replace("\\\\", "\0").replace("\\n", "\n").replace("\\t", "\t").replace("\0", "\\")


async def main(jid, password, host, port, socks="", ca=""):
    client = Client(jid, password)
    if ca:
        client.ca_certs = ca
    if socks:
        direct = client.loop.create_connection

        async def dial(protocol, host, port, **options):
            sock = await through_socks(client.loop, int(socks), host, port)
            return await direct(protocol, sock=sock, **options)

        client.loop.create_connection = dial
    reader = asyncio.StreamReader(limit=1 << 20)
    await client.loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    emit("ready", version=slixmpp.__version__)
    while line := await reader.readline():
        words = [unescape(w) for w in line.decode().rstrip("\n").split("\t")]
        if words[0] == "online":
            client.connect(host, int(port))
            continue
        try:
            await client.run(words)
        except slixmpp.exceptions.IqError as refusal:
            emit("refused", why=refusal.condition, text=refusal.text)
        except slixmpp.exceptions.IqTimeout:
            emit("refused", why="no answer")


asyncio.run(main(*sys.argv[1:]))
