#!/bin/sh
# Push a response, read what became of it, verify a webhook. curl 7.82+ and openssl.
#
# sh answerback.sh push r-77 c7@example.test 9
# sh answerback.sh state r-77
# sh answerback.sh signed r-78 c8@example.test 3      ANSWERBACK_HOOK, ANSWERBACK_SECRET
# sh answerback.sh verify < body                      WEBHOOK_ID, _TIMESTAMP, _SIGNATURE, _SECRET
set -eu

# 429 and 503 are tried again when Retry-After says, which cannot double anything.
call() {
  # Into a file, which curl empties before it tries again.
  answer=$(mktemp) failed=0
  curl --silent --show-error --fail-with-body --retry 5 --max-time 120 --output "$answer" "$@" ||
    failed=$?
  cat "$answer"
  rm "$answer"
  return $failed
}

authorized() {
  # By a file, so that the key stands in no list of processes.
  printf 'header = "Authorization: Bearer %s"\n' "$ANSWERBACK_KEY"
}

# The id and the address must hold no quote or backslash: use a JSON library for others.
response() {
  printf '{"response_id": "%s", "submitted_at": "%s", "respondent": {"email": "%s"}, "answers": {"nps": {"type": "nps", "value": %d}}}' \
    "$1" "$(date -u +%Y-%m-%dT%H:%M:%SZ)" "$2" "$3"
}

# Standard Webhooks: HMAC-SHA256 over id.timestamp.body (standard input), in base64.
signature() {
  key=$(printf %s "${1#whsec_}" | openssl base64 -d -A | od -An -v -tx1 | tr -d ' \n')
  printf 'v1,%s' "$({ printf '%s.%s.' "$2" "$3"; cat; } |
    openssl dgst -sha256 -mac HMAC -macopt "hexkey:$key" -binary | openssl base64 -A)"
}

# Whether we sent this. Keep the ids of the last days: a repeat has the same one.
verify() {
  age=$(($(date +%s) - WEBHOOK_TIMESTAMP))
  [ "${age#-}" -le 300 ] || return 1
  wanted=$(signature "$WEBHOOK_SECRET" "$WEBHOOK_ID" "$WEBHOOK_TIMESTAMP")
  for one in $WEBHOOK_SIGNATURE; do
    [ "$one" = "$wanted" ] && return 0
  done
  return 1
}

case $1 in
push)
  body=$(response "$2" "$3" "$4")
  authorized | call --config - --json "$body" "$ANSWERBACK_URL/api/v1/responses"
  ;;
state)
  authorized | call --config - "$ANSWERBACK_URL/api/v1/responses/$2"
  ;;
signed) # Push without a key, to a source's own address.
  body=$(response "$2" "$3" "$4")
  id=msg_$(openssl rand -hex 16) timestamp=$(date +%s)
  call --json "$body" -H "webhook-id: $id" -H "webhook-timestamp: $timestamp" \
    -H "webhook-signature: $(printf %s "$body" | signature "$ANSWERBACK_SECRET" "$id" "$timestamp")" \
    "$ANSWERBACK_HOOK"
  ;;
verify)
  if verify; then echo good; else echo bad; fi
  ;;
esac
