#!/usr/bin/env python3
"""Keeps a value in the directory, and shows all that its owner has there; needs PyPI's cryptography:
CROSSTALK_TOKEN=ct_... directory.py ~/.local/share/crosstalk/api.sock KEY VALUE"""
import http.client, json, os, socket, struct, sys, time, urllib.parse
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

HEADERS = {"Authorization": "Bearer " + os.environ["CROSSTALK_TOKEN"], "Content-Type": "application/json"}

def ask(call, path, body=None):
    gateway = http.client.HTTPConnection("localhost")
    gateway.sock = socket.socket(socket.AF_UNIX)
    gateway.sock.connect(sys.argv[1])
    gateway.request(call, path, body, HEADERS)
    answer = gateway.getresponse()
    said = json.loads(answer.read())
    if answer.status != 200:
        sys.exit(said["detail"])
    return said

def secret(name="directory.key"):
    """The owner's key, made where there is none: whoever has this file can change what is kept."""
    if not os.path.exists(name):
        with open(os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(Ed25519PrivateKey.generate().private_bytes_raw())
    with open(name, "rb") as file:
        return Ed25519PrivateKey.from_private_bytes(file.read())

def sign(owner, key, value, sequence, expires_at):
    """Signs a value under a key, or with None that it is removed."""
    key, text = key.encode(), (value or "").encode()
    signed = b"ct/mapping/1\0" + owner.public_key().public_bytes_raw()
    signed += struct.pack(">QQB", sequence, expires_at, value is not None)
    signed += struct.pack(">H", len(key)) + key + struct.pack(">H", len(text)) + text
    return owner.sign(signed).hex()

owner, key, value = secret(), sys.argv[2], sys.argv[3]
namespace = owner.public_key().public_bytes_raw().hex()
# The time in milliseconds grows, and what is kept now ends no earlier than what was kept before.
sequence, expires_at = time.time_ns() // 1_000_000, int(time.time()) + 7 * 24 * 60 * 60
ask("PUT", f"/v1/directory/{namespace}/{urllib.parse.quote(key, safe='')}", json.dumps({
    "value": value, "sequence": sequence, "expires_at": expires_at,
    "signature": sign(owner, key, value, sequence, expires_at)}))
for mapping in ask("GET", f"/v1/directory/{namespace}")["mappings"]:
    print(mapping["key"], mapping["value"])
