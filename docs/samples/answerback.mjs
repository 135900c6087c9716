// Push a response, read what became of it, verify a webhook. Node 18+, nothing to install.
//
// node answerback.mjs push r-77 c7@example.test 9
// node answerback.mjs state r-77
// node answerback.mjs signed r-78 c8@example.test 3      ANSWERBACK_HOOK, ANSWERBACK_SECRET
// node answerback.mjs verify < body                      WEBHOOK_ID, _TIMESTAMP, _SIGNATURE, _SECRET

import { createHmac, randomUUID, timingSafeEqual } from "node:crypto";
import { readFileSync } from "node:fs";

const TRIES = 6;
const env = process.env;

// One request; 429 and 503 are tried again when they say, which cannot double anything.
async function call(method, url, body, headers) {
  for (let number = 1; ; number++) {
    const answer = await fetch(url, { method, body, headers });
    const told = await answer.json();
    if (answer.ok) return told;
    if (![429, 503].includes(answer.status) || number === TRIES) {
      throw new Error(`${told.code}: ${told.mend} ${JSON.stringify(told.errors ?? [])}`);
    }
    const waitS = Number(answer.headers.get("Retry-After") ?? 2 ** number);
    await new Promise((done) => setTimeout(done, waitS * 1000));
  }
}

function authorized() {
  return { Authorization: `Bearer ${env.ANSWERBACK_KEY}`, "Content-Type": "application/json" };
}

function response(responseId, email, score) {
  return JSON.stringify({
    response_id: responseId,
    submitted_at: new Date().toISOString(),
    respondent: { email },
    answers: { nps: { type: "nps", value: Number(score) } },
  });
}

function push(...told) {
  return call("POST", `${env.ANSWERBACK_URL}/api/v1/responses`, response(...told), authorized());
}

function state(responseId) {
  const path = `/api/v1/responses/${encodeURIComponent(responseId)}`;
  return call("GET", env.ANSWERBACK_URL + path, undefined, authorized());
}

// Standard Webhooks: HMAC-SHA256 over id.timestamp.body, in base64.
function signature(secret, id, timestamp, body) {
  const key = Buffer.from(secret.replace(/^whsec_/, ""), "base64");
  const mac = createHmac("sha256", key).update(`${id}.${timestamp}.`).update(body);
  return `v1,${mac.digest("base64")}`;
}

// Push without a key, to a source's own address.
function signed(...told) {
  const body = response(...told);
  const id = `msg_${randomUUID()}`;
  const timestamp = String(Math.floor(Date.now() / 1000));
  return call("POST", env.ANSWERBACK_HOOK, body, {
    "Content-Type": "application/json",
    "webhook-id": id,
    "webhook-timestamp": timestamp,
    "webhook-signature": signature(env.ANSWERBACK_SECRET, id, timestamp, body),
  });
}

// Whether we sent this. Keep the ids of the last days: a repeat has the same one.
function verify(id, timestamp, signatures, secret, body) {
  if (!(Math.abs(Date.now() / 1000 - Number(timestamp)) <= 300)) return false;
  const wanted = Buffer.from(signature(secret, id, timestamp, body));
  return signatures.split(" ").some((one) => {
    const offered = Buffer.from(one);
    return offered.length === wanted.length && timingSafeEqual(offered, wanted);
  });
}

const [what, ...told] = process.argv.slice(2);
if (what === "verify") {
  const [id, timestamp, signatures, secret] = ["ID", "TIMESTAMP", "SIGNATURE", "SECRET"].map(
    (name) => env[`WEBHOOK_${name}`],
  );
  const good = verify(id, timestamp, signatures, secret, readFileSync(0));
  console.log(good ? "good" : "bad");
} else {
  console.log(JSON.stringify(await { push, state, signed }[what](...told)));
}
