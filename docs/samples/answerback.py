"""Push a response, read what became of it, verify a webhook. Python 3.9+, standard library only.

python answerback.py push r-77 c7@example.test 9
python answerback.py state r-77
python answerback.py signed r-78 c8@example.test 3      ANSWERBACK_HOOK, ANSWERBACK_SECRET
python answerback.py verify < body                      WEBHOOK_ID, _TIMESTAMP, _SIGNATURE, _SECRET
"""

import base64
import hashlib
import hmac
import json
import os
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid

TRIES = 6


def call(method, url, body=None, headers=None):
    """One request; 429 and 503 are tried again when they say, which cannot double anything."""
    for number in range(1, TRIES + 1):
        request = urllib.request.Request(url, data=body, method=method, headers=headers or {})
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as refused:
            if refused.code not in (429, 503) or number == TRIES:
                problem = json.load(refused)
                raise SystemExit(f"{problem['code']}: {problem['mend']} {problem.get('errors')}")
            time.sleep(float(refused.headers.get("Retry-After", 2**number)))


def authorized():
    key = os.environ["ANSWERBACK_KEY"]
    return {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}


def response(response_id, email, score):
    return {
        "response_id": response_id,
        "submitted_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "respondent": {"email": email},
        "answers": {"nps": {"type": "nps", "value": int(score)}},
    }


def push(*told):
    body = json.dumps(response(*told)).encode()
    return call("POST", os.environ["ANSWERBACK_URL"] + "/api/v1/responses", body, authorized())


def state(response_id):
    path = "/api/v1/responses/" + urllib.parse.quote(response_id, safe="")
    return call("GET", os.environ["ANSWERBACK_URL"] + path, headers=authorized())


def signature(secret, message_id, timestamp, body):
    """Standard Webhooks: HMAC-SHA256 over id.timestamp.body, in base64."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = f"{message_id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()


def signed(*told):
    """Push without a key, to a source's own address."""
    body = json.dumps(response(*told)).encode()
    message_id, timestamp = f"msg_{uuid.uuid4().hex}", str(int(time.time()))
    headers = {
        "Content-Type": "application/json",
        "webhook-id": message_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": signature(
            os.environ["ANSWERBACK_SECRET"], message_id, timestamp, body
        ),
    }
    return call("POST", os.environ["ANSWERBACK_HOOK"], body, headers)


def verify(message_id, timestamp, signatures, secret, body):
    """Whether we sent this. Keep the ids of the last days: a repeat has the same one."""
    if abs(time.time() - int(timestamp)) > 300:
        return False
    wanted = signature(secret, message_id, timestamp, body)
    return any(hmac.compare_digest(wanted, one) for one in signatures.split())


if __name__ == "__main__":
    what, told = sys.argv[1], sys.argv[2:]
    if what == "verify":
        names = ("ID", "TIMESTAMP", "SIGNATURE", "SECRET")
        good = verify(*(os.environ[f"WEBHOOK_{name}"] for name in names), sys.stdin.buffer.read())
        print("good" if good else "bad")
    else:
        print(json.dumps({"push": push, "state": state, "signed": signed}[what](*told)))
