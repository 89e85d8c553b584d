#!/usr/bin/env python3
"""Tells everybody the weather of a city: CROSSTALK_TOKEN=ct_... weather.py ~/.local/share/crosstalk/api.sock

It asks Open-Meteo (https://open-meteo.com), which is free for non-commercial use and needs no key.
Somebody writes `Oslo` to weather@apps, and gets an answer.
"""
import http.client
import json
import os
import socket
import sys
import time
import urllib.parse
import urllib.request

HEADERS = {"Authorization": "Bearer " + os.environ["CROSSTALK_TOKEN"], "Content-Type": "application/json"}
CITIES = os.environ.get("CITIES", "https://geocoding-api.open-meteo.com/v1/search")
WEATHER = os.environ.get("WEATHER", "https://api.open-meteo.com/v1/forecast")


def ask(call, path, body=None, **headers):
    """Makes a call to the gateway. Fails where it is worth another try."""
    gateway = http.client.HTTPConnection("localhost")
    gateway.sock = socket.socket(socket.AF_UNIX)
    gateway.sock.connect(sys.argv[1])
    gateway.request(call, path, body and json.dumps(body), HEADERS | headers)
    answer = gateway.getresponse()
    if answer.status == 429 or answer.status >= 500:
        raise OSError(answer.read())
    return answer


def look_up(url, **question):
    """Asks Open-Meteo, for five seconds at most."""
    with urllib.request.urlopen(f"{url}?{urllib.parse.urlencode(question)}", timeout=5) as answer:
        return json.load(answer)


def weather(city):
    """The weather of a city, in words."""
    try:
        found = look_up(CITIES, name=city[:100], count=1).get("results")
        if not found:
            return f"I do not know a city called {city[:100]}."
        place = found[0]
        there = look_up(WEATHER, latitude=place["latitude"], longitude=place["longitude"],
                        current="temperature_2m,wind_speed_10m")["current"]
        degrees, wind = there["temperature_2m"], there["wind_speed_10m"]
        return f"{place['name']}, {place.get('country', '')}: {degrees} \N{DEGREE SIGN}C, wind {wind} km/h."
    except (OSError, http.client.HTTPException, ValueError, LookupError, TypeError, AttributeError):
        return "I cannot find out just now. Please ask me later."


path = "/v1/events"
while True:
    try:
        ask("PUT", "/v1/presence", {"show": "available", "text": "Write me the name of a city."}).read()
        for line in ask("GET", path):
            event = json.loads(line[6:]) if line.startswith(b"data: ") else {"type": None}
            if event["type"] == "contact" and event["is_seen"] == "asked":
                name = urllib.parse.quote(event["name"])
                ask("POST", f"/v1/contacts/{name}/consent", {"step": "grant"}).read()
            if event["type"] == "message" and not event["auto"]:
                answer = {"to": event["from"], "text": weather(event["text"].strip()), "auto": True}
                ask("POST", "/v1/messages", answer, **{"Idempotency-Key": str(event["id"])}).read()
                path = f"/v1/events?after={event['id']}"
    except (OSError, http.client.HTTPException):
        pass
    time.sleep(1)  # The gateway is away, or has too much to do: go on where we were.
