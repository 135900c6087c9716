"""An automation in words: its parts, and the whole as one sentence."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from connector.admin.language import gettext, marked, said
from connector.admin.page import page
from connector.problems import Place
from connector.responses.configuration.conditions import (
    ALL,
    WITHOUT_VALUE,
    Comparison,
    Group,
)
from connector.responses.configuration.reading import read
from connector.responses.configuration.sheet.choices import Known
from connector.responses.vocabulary import Kind

STATES = {
    "draft": (marked("Draft"), "secondary"),
    "parked": (marked("Stopped: its condition broke"), "red"),
    "off": (marked("Switched off"), "yellow"),
    "changed": (marked("On, with a newer draft"), "azure"),
    "on": (marked("On"), "green"),
}
WHENS = {
    "response.completed": marked("a response is complete, or edited"),
    "response.updated": marked("a response is edited"),
    "response.partial": marked("a response is left half-way"),
    "response.disqualified": marked("a respondent is screened out"),
}
DOES = {
    "feed": marked("Feed a CRM through a mapping"),
    "tag": marked("Write the score tag"),
    "note": marked("Attach the note"),
    "subscribe": marked("Subscribe to a list"),
    "unsubscribe": marked("Take off a list"),
    "notify": marked("Tell people or a system"),
    "redirect": marked("Lead the respondent on"),
    "task": marked("Open a task"),
}
SAYS = {
    "is": marked("is"),
    "is_not": marked("is not"),
    "contains": marked("contains"),
    "contains_not": marked("does not contain"),
    "begins": marked("begins with"),
    "at_least": marked("is at least"),
    "at_most": marked("is at most"),
    "more": marked("is more than"),
    "less": marked("is less than"),
    "has": marked("includes"),
    "has_not": marked("does not include"),
    "yes": marked("is true"),
    "no": marked("is not true"),
    "answered": marked("was answered"),
    "not_answered": marked("was not answered"),
}
# The same of a time.
OF_TIMES = {
    "at_least": marked("is not before"),
    "at_most": marked("is not after"),
    "more": marked("is after"),
    "less": marked("is before"),
}
FAULTS = {
    "no_variable": marked("Choose what is looked at."),
    "unfit": marked("Choose what is said of it."),
    "no_value": marked("Give a value."),
    "not_a_number": marked("This is no number."),
    "not_a_date": marked("Give a day as 2026-11-20."),
    "empty_group": marked("This group is empty: add to it, or remove it."),
    "too_much": marked("This is too much for a form: make two automations of it."),
}
NAMES = {
    "computed.score": marked("Score"),
    "computed.score_class": marked("Score class"),
    "computed.nps": marked("NPS of the campaign"),
    "contact.email": marked("E-mail address"),
    "contact.phone": marked("Phone number"),
    "contact.name": marked("Name"),
    "contact.first_name": marked("First name"),
    "contact.last_name": marked("Last name"),
    "contact.company": marked("Company"),
    "contact.country": marked("Country"),
    "contact.language": marked("Language"),
    "response.channel": marked("Channel"),
    "response.tags": marked("Tags of the response"),
    "response.answered_at": marked("Time of the answer"),
    "response.duration_s": marked("Seconds it took"),
}
# The groups of a list of variables, by their namespaces.
GROUPS = {
    "answers": marked("Answers"),
    "computed": marked("Score"),
    "contact": marked("Contact"),
    "response": marked("Response"),
    "flags": marked("Flags"),
    "campaign": marked("Campaign and survey"),
    "survey": marked("Campaign and survey"),
}
# What may be done and had better not, by the code of the API's warning.
WARNINGS = {
    "review_gating": marked(
        "The condition looks at a score: review sites forbid to invite only those who are "
        "satisfied (review gating)."
    ),
}
_HIDDEN = ("answered.",)


@page.app_template_filter("automation_word")
def automation_word(state: str) -> str:
    """What an automation's state is called."""
    return gettext(STATES[state][0])


@page.app_template_filter("automation_colour")
def automation_colour(state: str) -> str:
    """The colour of an automation's state."""
    return STATES[state][1]


@page.app_template_filter("when_word")
def when_word(event: str) -> str:
    """What sets it off."""
    return gettext(WHENS.get(event, event))


@page.app_template_filter("do_word")
def do_word(do: str) -> str:
    """What an action does."""
    return gettext(DOES.get(do, do))


@page.app_template_filter("warning_word")
def warning_word(place: Place) -> str:
    """A warning about an automation; one of a new code in the API's own words."""
    return gettext(WARNINGS[place.code]) if place.code in WARNINGS else said(place.text)


def says_word(says: str, kind: Kind) -> str:
    """What a comparison says, of a time in its own words."""
    of_time = kind in {Kind.DATE, Kind.DATETIME} and says in OF_TIMES
    return gettext(OF_TIMES[says] if of_time else SAYS.get(says, says))


def name_word(variable: str, questions: Mapping[str, str]) -> str:
    """What a variable is called: its question, a word of ours, or its own name."""
    if questions.get(variable):
        return questions[variable]
    return gettext(NAMES[variable]) if variable in NAMES else variable


def grouped(known: tuple[Known, ...]) -> dict[str, list[tuple[str, str]]]:
    """Group -> variables with what they are called, for a list to choose from."""
    found: dict[str, list[tuple[str, str]]] = {}
    questions = {one.variable: one.question for one in known}
    for one in known:
        if one.variable.startswith(_HIDDEN):
            continue
        group = GROUPS.get(one.variable.partition(".")[0], marked("Other"))
        said = name_word(one.variable, questions)
        found.setdefault(gettext(group), []).append((one.variable, said))
    return found


def sentence(body: Mapping[str, Any], known: tuple[Known, ...], kinds: Mapping[str, Kind]) -> str:
    """The automation as one sentence."""
    does = "; ".join(_does(one) for one in body["then"]) or gettext("nothing is chosen yet")
    when = when_word(body["when"])
    source = body.get("if") or ""
    if not source:
        return gettext("When %(event)s: %(does)s.", event=when, does=does)
    group = read(source, kinds)
    said = in_words(group, known, kinds) if group else gettext("its expression holds")
    return gettext("When %(event)s, if %(condition)s: %(does)s.", event=when, condition=said,
                   does=does)  # fmt: skip


def in_words(group: Group, known: tuple[Known, ...], kinds: Mapping[str, Kind]) -> str:
    """A condition in words, groups in brackets."""
    by_name = {one.variable: one for one in known}
    return _joined(group, by_name, kinds)


def _joined(group: Group, known: Mapping[str, Known], kinds: Mapping[str, Kind]) -> str:
    word = gettext("and") if group.joined == ALL else gettext("or")
    parts = [
        f"({_joined(one, known, kinds)})" if isinstance(one, Group) else _said(one, known, kinds)
        for one in group.parts
    ]
    return f" {word} ".join(parts)


def _said(one: Comparison, known: Mapping[str, Known], kinds: Mapping[str, Kind]) -> str:
    at = known.get(one.variable)
    name = name_word(one.variable, {one.variable: at.question} if at else {})
    says = says_word(one.says, kinds.get(one.variable, Kind.ANY))
    if one.says in WITHOUT_VALUE:
        return f"“{name}” {says}"
    labels = dict(at.options) if at else {}
    return f"“{name}” {says} {labels.get(one.value) or one.value}"


def _does(action: Mapping[str, Any]) -> str:
    return " ".join((do_word(action["do"]), *_aimed(action)))


def _aimed(action: Mapping[str, Any]) -> Iterator[str]:
    for member in ("mapping", "list", "url"):
        if action.get(member):
            yield f"“{action[member]}”"
    if action.get("connection"):
        yield f"({action['connection']})"
