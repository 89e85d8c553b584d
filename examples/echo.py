#!/usr/bin/env python3
"""Says to everybody what they said: CROSSTALK_TOKEN=ct_... echo.py ~/.local/share/crosstalk/api.sock"""
import http.client, json, os, socket, sys, time

HEADERS = {"Authorization": "Bearer " + os.environ["CROSSTALK_TOKEN"], "Content-Type": "application/json"}

def ask(call, path, body=None, **headers):
    gateway = http.client.HTTPConnection("localhost")
    gateway.sock = socket.socket(socket.AF_UNIX)
    gateway.sock.connect(sys.argv[1])
    gateway.request(call, path, body, HEADERS | headers)
    answer = gateway.getresponse()
    if answer.status == 429 or answer.status >= 500:
        raise OSError(answer.read())
    return answer

path = "/v1/events"
while True:
    try:
        for line in ask("GET", path):
            event = json.loads(line[6:]) if line.startswith(b"data: ") else {"type": None}
            if event["type"] == "message" and not event["auto"]:
                answer = json.dumps({"to": event["from"], "text": event["text"], "auto": True})
                ask("POST", "/v1/messages", answer, **{"Idempotency-Key": str(event["id"])}).read()
                path = f"/v1/events?after={event['id']}"
    except (OSError, http.client.HTTPException):
        pass
    time.sleep(1)  # The gateway is away, or has too much to do: go on where we were.
