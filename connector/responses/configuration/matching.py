"""How many of the last responses an automation's WHEN and IF would have let through."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection, Row, text

from connector.responses import learning, people
from connector.responses.configuration.checking import words_for
from connector.responses.facts import NPS_WINDOW_DAYS, Words, load_words
from connector.responses.intake import FROM_TEST
from connector.responses.plan import TRIGGERS
from connector.responses.questions import enriched
from connector.responses.rules import Expression, condition, verdict
from connector.responses.variables import variables_of
from connector.responses.vocabulary import Kind, Variable

MOST = 1_000
# How far back the last thousand of a campaign are looked for: so that one nobody answers any more
# costs no more than the others.
FARTHEST = 20_000
_NPS = "computed.nps"


@dataclass(frozen=True, slots=True)
class Matched:
    """Of the last `looked_at` responses that set the automation off, `matched` fulfil its
    condition; `missing` lack an answer that it names, `broken` would have stopped it.
    """

    matched: int
    looked_at: int
    missing: int = 0
    broken: int = 0


def tried(
    connection: Connection, workspace_id: int, *, source: str, campaign: str | None, when: str
) -> Matched:
    """The same for a condition that is not saved. Raises ExpressionInvalid with a caret."""
    words = load_words(connection, workspace_id)
    known = words_for(connection, workspace_id, source=source, campaign_id=campaign)
    rule = condition(source, known) if source.strip() else None
    return matched(connection, workspace_id, words, rule=rule, campaign=campaign, when=when)


def matched(
    connection: Connection,
    workspace_id: int,
    words: Words,
    *,
    rule: Expression | None,
    campaign: str | None,
    when: str,
) -> Matched:
    """Reads only: one query for the responses, however many there are. Without a rule every
    response that sets it off fulfils it.
    """
    asked = {
        "w": workspace_id,
        "campaign": campaign,
        "events": [event for event, sets_off in TRIGGERS.items() if when in sets_off],
        "tests": FROM_TEST,
        "most": MOST,
        "farthest": FARTHEST,
    }
    rows = connection.execute(LAST, asked).all()
    if rule is None:
        return Matched(len(rows), len(rows))
    return _counted(rule, _variables(connection, rows, words, rule))


def _counted(rule: Expression, every: Iterable[Mapping[str, Variable]]) -> Matched:
    found = Matched(0, 0)
    for variables in every:
        said = verdict(rule, variables)
        found = replace(
            found,
            looked_at=found.looked_at + 1,
            matched=found.matched + said.holds,
            missing=found.missing + (said.reason == "answer_missing"),
            broken=found.broken + said.error,
        )
    return found


def _variables(
    connection: Connection, rows: Iterable[Row[Any]], words: Words, rule: Expression
) -> Iterable[Mapping[str, Variable]]:
    days = int(words.settings.get("nps_window_days", NPS_WINDOW_DAYS))
    scores = learning.scores(connection, {one.campaign_id for one in rows} - {None}, days=days) \
        if _NPS in rule.names else {}  # fmt: skip
    for row in rows:
        survey = words.surveys.get(row.survey_id or 0)
        body = enriched(row.body, survey, campaign_flags=row.flags or ())
        person = people.person_of(row) if row.id is not None and not row.anonymous else None
        properties = {**(row.properties or {}), **(row.distribution or {})}
        variables = variables_of(
            body,
            person.attributes if person else None,
            campaign={"properties": properties},
            labels=words.labels,
        )
        if (score := scores.get(row.campaign_id)) is not None:
            variables[_NPS] = Variable(Kind.NUMBER, score)
        yield variables


LAST = text(
    """
    SELECT r.body, r.anonymous, r.survey_id, r.campaign_id, r.contact_id, c.flags, c.properties,
           d.properties AS distribution, k.id, k.email, k.external_id, k.phone, k.name,
           k.first_name, k.last_name, k.company, k.country, k.language,
           coalesce(k.attributes, '{}') AS attributes, k.origin_connection_id, k.opted_out_at
      FROM (SELECT l.id FROM (SELECT id, campaign_id, event, source FROM response
                               WHERE workspace_id = :w ORDER BY id DESC LIMIT :farthest) l
             WHERE l.event = ANY (:events) AND l.source <> :tests
               AND (CAST(:campaign AS text) IS NULL OR l.campaign_id =
                    (SELECT id FROM campaign WHERE workspace_id = :w AND platform_id = :campaign))
             ORDER BY l.id DESC LIMIT :most) last
      JOIN response r ON r.workspace_id = :w AND r.id = last.id
      LEFT JOIN campaign c ON c.id = r.campaign_id
      LEFT JOIN distribution d ON d.campaign_id = r.campaign_id
            AND d.platform_id = r.body->'properties'->>'distribution'
      LEFT JOIN contact k ON k.id = r.contact_id AND k.state = 'active'
    """
)
