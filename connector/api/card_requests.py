"""/cards/<app>/<token>: the card inside a CRM asks. The token only routes, the CRM's signature over
the request authenticates, and each request is answered once.
"""

from __future__ import annotations

from typing import Any, NoReturn

from flask import Blueprint, request
from marshmallow import ValidationError

from adapters.cards import CardAccount, CardRequest, Proof
from adapters.registry import card_prover
from connector import audit, clock
from connector.api.bodies import raw_body
from connector.api.context import hub
from connector.api.gate import CARD, REFUSED
from connector.connections import cards
from connector.connections.cards import Asked
from connector.db import retried
from connector.problems import Code, Refusal, not_found, places_of
from connector.responses import card as story
from schemas.card import CardQuestionSchema, ShownCardSchema
from schemas.strict import decode

MAX_BODY = 4_096
_QUESTION, _ANSWER = CardQuestionSchema(), ShownCardSchema()
card_requests = Blueprint("card_requests", __name__)


@card_requests.post("/cards/<app>/<token>")
def answer_card(app: str, token: str) -> dict[str, Any]:
    """What the card shows of the record it stands beside; all empty where nothing is known."""
    asked = cards.found(hub().desk, app, token)
    if asked is None:
        hub().gate.pass_through(REFUSED, request.remote_addr or "")
        raise not_found()
    proof = _proved(asked)
    hub().gate.pass_through(CARD, str(asked.profile.id))
    answer = _answered(asked, _contact(proof))
    # After the answer was read: a CRM that tries again because we failed is no replay.
    if not hub().gate.is_first(CARD, f"{asked.profile.id}:{proof.mark}", within_s=proof.fresh_s):
        _refuse(asked, "card.replayed")
    return answer


def _proved(asked: Asked) -> Proof:
    here = asked.profile
    query = request.environ.get("QUERY_STRING", "")
    came = CardRequest(
        method=request.method,
        url=f"{hub().settings.public_url}{request.path}{'?' if query else ''}{query}",
        headers={name.lower(): value for name, value in request.headers.items()},
        body=raw_body(MAX_BODY),
        now_ms=int(clock.now().timestamp() * 1000),
    )
    secrets = [one.reveal() for one in asked.secrets]
    account = CardAccount(here.remote_account_id or "", here.settings)
    proof = card_prover(here.app)(came, secrets, account) if account.id else None
    if proof is None:
        _refuse(asked, "card.signature_invalid")
    return proof


def _refuse(asked: Asked, action: str) -> NoReturn:
    """One answer to whatever is wrong, counted in the audit log."""
    hub().gate.pass_through(REFUSED, request.remote_addr or "")
    here = asked.profile

    def note() -> None:
        with hub().database.begin(here.workspace_id) as connection:
            audit.record(
                connection,
                here.workspace_id,
                actor=f"card:{here.app}",
                action=action,
                object=f"connection:{here.id}",
                address=request.remote_addr,
            )

    retried(note)
    raise Refusal(Code.SIGNATURE_INVALID)


def _contact(proof: Proof) -> str:
    told = decode(proof.question)
    try:
        return str(_QUESTION.load(told)["contact"])
    except ValidationError as exc:
        places = places_of(exc.messages, schema=_QUESTION)
        raise Refusal(Code.BODY_INVALID, places=places) from exc


def _answered(asked: Asked, contact: str) -> dict[str, Any]:
    here = asked.profile

    def read() -> story.Shown:
        with hub().database.begin(here.workspace_id) as connection:
            return story.shown(
                connection,
                here.workspace_id,
                here.id,
                entity=here.traits.contact_entity,
                remote_id=contact,
                comments=asked.comments,
                link=asked.link,
            )

    answer: dict[str, Any] = _ANSWER.dump(retried(read))
    return answer
