#!/usr/bin/env python3
"""What an idle connection costs a gateway in memory, beside HAProxy in the same run."""

import argparse
import asyncio
import base64
import multiprocessing
import os
import re
import resource
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HOST = "idle.test"
WARM_UP = 200
AT_ONCE = 100

# What a client and its server say before they fall silent: one line each of nobody's protocol,
# or a whole sign-on to an XMPP server that takes every password.
STREAM = "<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' version='1.0' "
SASL = "urn:ietf:params:xml:ns:xmpp-sasl"
STANZA = r"(?=<(?:auth|iq|presence)\b)"
BIND = "urn:ietf:params:xml:ns:xmpp-bind"


def sign_on(number):
    """Pairs of what the client says and how the server's answer to it ends."""
    opening = f"<?xml version='1.0'?>{STREAM}to='{HOST}'>"
    plain = base64.b64encode(f"\0user{number}\0secret".encode()).decode()
    bind = f"<iq type='set' id='b{number}'><bind xmlns='{BIND}'/></iq>"
    return [
        (opening, "</stream:features>"),
        (f"<auth xmlns='{SASL}' mechanism='PLAIN'>{plain}</auth>", "/>"),
        (opening, "</stream:features>"),
        (bind, "</iq>"),
        ("<presence/>", "</presence>"),
    ]


def answer(heard):
    """What the XMPP server says to `heard`."""
    if "<auth " in heard:
        return f"<success xmlns='{SASL}'/>"
    if "<bind " in heard:
        number = re.search(r"id='b(\d+)'", heard)[1]
        jid = f"user{number}@{HOST}/idle"
        return f"<iq type='result' id='b{number}'><bind xmlns='{BIND}'><jid>{jid}</jid></bind></iq>"
    if "<presence" in heard:
        return f"<presence from='{HOST}'><status>hello</status></presence>"
    if "<iq " in heard:
        number = re.search(r"id='([^']+)'", heard)[1]
        return f"<iq type='result' id='{number}'/>"
    return None


class Server:
    """Answers, in a process of its own."""

    def __init__(self, talk):
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=4096)
        self.port = self.listener.getsockname()[1]
        serve = {"line": self.serve_line, "xmpp": self.serve_xmpp}[talk]
        self.process = multiprocessing.Process(target=self.run, args=(serve,), daemon=True)
        self.process.start()
        self.listener.close()

    def run(self, serve):
        async def talk(reader, writer):
            try:
                await serve(reader, writer)
            except ConnectionError:
                pass  # A proxy that is stopped breaks off.

        async def forever():
            server = await asyncio.start_server(talk, sock=self.listener, limit=4096)
            await server.serve_forever()

        asyncio.run(forever())

    @staticmethod
    async def serve_line(reader, writer):
        while line := await reader.readline():
            writer.write(line)
        writer.close()

    @staticmethod
    async def serve_xmpp(reader, writer):
        signed_on = False
        while heard := (await reader.read(4096)).decode():
            if STREAM[:14] in heard:
                offer = f"<bind xmlns='{BIND}'/>"
                if not signed_on:
                    offer = f"<mechanisms xmlns='{SASL}'><mechanism>PLAIN</mechanism></mechanisms>"
                said = f"{STREAM}from='{HOST}' id='s'><stream:features>{offer}</stream:features>"
                signed_on = True
            else:
                # A gateway says more at once than a client.
                said = "".join(filter(None, map(answer, re.split(STANZA, heard))))
            if said:
                writer.write(said.encode())
        writer.close()

    def stop(self):
        self.process.terminate()
        self.process.join()


async def connect(endpoint, talk, number):
    """One connection, up to where it falls silent."""
    reader, writer = await asyncio.open_connection("127.0.0.1", endpoint.port, limit=4096)
    if endpoint.socks:
        name = HOST.encode()
        writer.write(b"\5\1\0\5\1\0\3" + bytes([len(name)]) + name + (5222).to_bytes(2, "big"))
        granted = await reader.readexactly(12)
        assert granted[:4] == b"\5\0\5\0", granted
    script = [("hello\n", "hello\n")] if talk == "line" else sign_on(number)
    for said, expected in script:
        writer.write(said.encode())
        await reader.readuntil(expected.encode())
    return writer


async def hold(endpoint, talk, count):
    """Connections that are open and idle."""
    gate = asyncio.Semaphore(AT_ONCE)

    async def one(number):
        async with gate:
            return await asyncio.wait_for(connect(endpoint, talk, number), 60)

    return await asyncio.gather(*(one(number) for number in range(count)))


class Endpoint:
    """A proxy process that is measured."""

    def __init__(self, name, socks, port, command):
        self.name, self.socks, self.port = name, socks, port
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for _ in range(200):
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                return
            except OSError:
                time.sleep(0.05)
        sys.exit(f"{name} does not listen")

    def memory(self):
        """Its proportional set size in bytes: shared pages count by their share."""
        text = Path(f"/proc/{self.process.pid}/smaps_rollup").read_text()
        return int(re.search(r"^Pss: +(\d+) kB", text, re.M)[1]) * 1024

    def stop(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


def crosstalk(binary, server, count, state):
    port, path = free_port(), Path(state) / "crosstalk.toml"
    path.write_text(f"""
data = "{state}/data"
log = "warn"
[[proxy]]
listen = "127.0.0.1:{port}"
[networks.jabber]
servers = {{ "{HOST}" = "127.0.0.1:{server.port}" }}
[limits]
connections = {count + 2 * WARM_UP}
connections_per_client = {count + 2 * WARM_UP}
""")
    return Endpoint("CrossTalk", True, port, [binary, "gateway", "--config", str(path)])


def haproxy(server, count, state):
    port, path = free_port(), Path(state) / "haproxy.cfg"
    path.write_text(f"""
global
    maxconn {count + 2 * WARM_UP}
    nbthread {os.cpu_count()}
defaults
    mode tcp
    timeout connect 10s
    timeout client 1h
    timeout server 1h
listen idle
    bind 127.0.0.1:{port}
    server only 127.0.0.1:{server.port}
""")
    return Endpoint("HAProxy", False, port, ["haproxy", "-db", "-f", str(path)])


async def measure(endpoint, talk, count):
    for writer in await hold(endpoint, talk, WARM_UP):
        writer.close()
    await asyncio.sleep(2)
    before = endpoint.memory()
    writers = await hold(endpoint, talk, count)
    await asyncio.sleep(2)
    after = endpoint.memory()
    for writer in writers:
        writer.close()
    return before, after


def install_haproxy():
    if shutil.which("haproxy"):
        return
    sudo = [] if os.geteuid() == 0 else ["sudo"]
    for command in (["apt-get", "update", "-q"], ["apt-get", "install", "-yq", "haproxy"]):
        subprocess.run(sudo + command, check=True, stdout=subprocess.DEVNULL)


def allow_files(count):
    needed = 2 * count + 4 * WARM_UP + 200
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < needed:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (needed, needed))
        except (ValueError, PermissionError):
            sys.exit(f"{count} connections take {needed} open files, and the limit is {hard}")
    elif soft < hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def main():
    parse = argparse.ArgumentParser(description=__doc__)
    parse.add_argument("--connections", type=int, default=5000)
    parse.add_argument("--binary", default=str(ROOT / "target/release/crosstalk"))
    arguments = parse.parse_args()
    count = arguments.connections
    allow_files(count)
    install_haproxy()
    version = subprocess.run(["haproxy", "-v"], capture_output=True, text=True).stdout.split()[2]
    print(f"{count} idle connections, HAProxy {version}; PSS in bytes\n")
    print("| connection | proxy | before | with all | a connection |")
    print("|---|---|---:|---:|---:|")
    for talk, what in (("line", "passed through"), ("xmpp", "signed in to XMPP")):
        for start in (lambda *a: crosstalk(arguments.binary, *a), haproxy):
            with tempfile.TemporaryDirectory() as state:
                server = Server(talk)
                endpoint = start(server, count, state)
                try:
                    before, after = asyncio.run(measure(endpoint, talk, count))
                finally:
                    endpoint.stop()
                    server.stop()
            each = (after - before) / count
            print(f"| {what} | {endpoint.name} | {before:,} | {after:,} | {each:,.0f} |", flush=True)


if __name__ == "__main__":
    main()
