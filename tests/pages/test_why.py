"""Why something failed is said in the reader's language; what a CRM has said stands as it came."""

from __future__ import annotations

import io
import re

import openpyxl
import pytest

from connector.admin.codes import SENTENCES
from connector.admin.language import catalogue, said_in
from connector.admin.webhooks import EVENTS as TOLD
from connector.admin.why import read_back, why
from connector.responses import rules
from connector.responses.configuration.sheet import steps
from connector.responses.vocabulary import Kind
from schemas.phrases import phrase
from tests.docs.test_docs import text_of as page_of
from tests.pages.conftest import text_of
from tests.pages.filled import WHY, fill

GERMAN = {"Accept-Language": "de"}
TOO_LONG = "Der Wert ist länger als das Feld."
PARTS = ("## Codes of a delivery", "## Responses that are fetched")


@pytest.fixture
def here(alice, database):
    return fill(alice, database)


def explained() -> set[str]:
    """The words that docs/errors.md explains of deliveries, files, messages and notices."""
    texts = [page_of("errors.md").split(f"{part}\n")[1].split("\n## ")[0] for part in PARTS]
    rows = [row for text in texts for row in re.findall(r"^\| (`[^|]+) \|", text, re.MULTILINE)]
    return {word for row in rows for word in re.findall(r"`(\w+)`", row)}


def test_every_word_that_a_delivery_can_have_has_its_sentence():
    assert len(explained()) > 100
    assert sorted(explained() - set(SENTENCES)) == []


def test_no_sentence_is_of_a_word_that_nobody_explains():
    # Reasons that are codes, too.
    also = {"before_unknown", "not_retractable", "process_died", "crashes", "receiver_gone"}
    assert sorted(set(SENTENCES) - explained() - also) == []


@pytest.mark.parametrize("path", ["~/", "~/deliveries", "~/deliveries/{dead}"])
def test_an_error_is_said_in_the_language_of_the_reader(here, path):
    page = text_of(here.browser.get(path.format(**here.ids), **GERMAN))
    assert TOO_LONG in page
    assert WHY not in page


def test_each_try_says_in_the_language_of_the_reader_how_it_ended(here):
    here.sql(
        "INSERT INTO attempt (workspace_id, delivery_id, claim, outcome, code, message)"
        " VALUES (:w, :dead, 1, 'pending', 'crm_503', 'HubSpot answered 503')",
        dead=here.ids["dead"],
    )
    page = text_of(here.browser.get(f"~/deliveries/{here.ids['dead']}", **GERMAN))
    assert "Das CRM antwortete mit dem Status 503." in page
    assert "HubSpot answered" not in page


def test_in_english_an_error_stands_as_it_is_stored(here):
    assert WHY in text_of(here.browser.get(f"~/deliveries/{here.ids['dead']}"))


@pytest.mark.parametrize("tongue", ["en", "de"])
def test_what_the_crm_has_said_is_quoted_as_it_came(here, tongue):
    here.sql(
        "UPDATE delivery SET error_code = 'validation_rule', error = 'Scores <b>only</b> by Ops'"
        " WHERE state = 'dead'"
    )
    page = here.browser.get(f"~/deliveries/{here.ids['dead']}", **{"Accept-Language": tongue})
    assert '<q lang="">Scores &lt;b&gt;only&lt;/b&gt; by Ops</q>' in page.text
    rule = "Eine Regel, die Ihre CRM-Admins" if tongue == "de" else "A rule that your CRM's admins"
    assert rule in text_of(page)


def test_our_own_words_for_a_rule_of_the_crm_are_no_quotation(here):
    here.sql(
        "UPDATE delivery SET error_code = 'validation_rule',"
        " error = 'a rule of this Odoo refuses the record' WHERE state = 'dead'"
    )
    page = here.browser.get(f"~/deliveries/{here.ids['dead']}", **GERMAN).text
    assert "eine Regel dieses Odoo lehnt den Datensatz ab" in page
    assert "<q" not in page


def test_a_text_of_a_word_that_nobody_knows_stands_as_it_is(here):
    here.sql("UPDATE delivery SET error_code = 'of_old', error = 'an <i>older</i> text'"
             " WHERE state = 'dead'")  # fmt: skip
    page = here.browser.get("~/deliveries", **GERMAN).text
    assert "an &lt;i&gt;older&lt;/i&gt; text" in page


def test_a_stored_sentence_is_known_again_with_its_values():
    stored = str(phrase("%(label)s has no field %(name)s", label="Contacts", name="fax"))
    found = read_back(stored)
    assert found is not None
    assert found.values == {"label": "Contacts", "name": "fax"}
    assert said_in("de", found) == catalogue("de").gettext("%(label)s has no field %(name)s") % {
        "label": "Contacts", "name": "fax",
    }  # fmt: skip
    assert said_in("de", found) != stored


@pytest.mark.parametrize("text", ["", "Fields", "Acme wrote: nothing like ours", "x: y"])
def test_a_text_of_somebody_else_is_not_taken_for_ours(text):
    assert read_back(text) is None


@pytest.mark.parametrize(
    ("text", "german"),
    [
        (
            "HubSpot says the scope crm.x.write is missing: connect again and allow it",
            "HubSpot sagt, der Scope crm.x.write fehle: verbinden Sie neu und erlauben Sie ihn",
        ),
        (
            "the integration user lacks the right: write on res.partner",
            "dem Integrationsbenutzer fehlt das Recht: write on res.partner",
        ),
        (
            "3 records of the CRM match; choose a rule in the mapping or merge",
            "3 Datensätze des CRM passen; wählen Sie eine Regel",
        ),
    ],
)
def test_what_has_to_be_granted_or_merged_is_named(app, text, german):
    with app.test_request_context(headers=GERMAN):
        assert why("missing_scope", text).startswith(german)


def test_a_sentence_behind_its_place_keeps_the_place(here):
    here.sql(
        "UPDATE delivery SET error_code = 'unknown_field',"
        " error = 'rows[3]: Contacts has no field fax' WHERE state = 'dead'"
    )
    page = text_of(here.browser.get(f"~/deliveries/{here.ids['dead']}", **GERMAN))
    assert "rows[3]: Contacts hat kein Feld fax" in page


# --- expressions and sheets -----------------------------------------------------------------------

KINDS = {"answers.nps": Kind.NUMBER, "answers.why": Kind.TEXT, "flags.vip": Kind.BOOLEAN}


@pytest.mark.parametrize(
    ("source", "german"),
    [
        ("answers.nps >", "der Ausdruck endet hier, und etwas fehlt"),
        ("(answers.nps > 5", "hier fehlt ')'"),
        ("answers.nps > 5)", ") wird hier nicht erwartet"),
        ("answers.nps > 5 and flags.vip", "schreiben Sie && statt and"),
        ("answers.nps = 5", "schreiben Sie == statt ="),
        ("answers.why == 'x", "der Text in Anführungszeichen hat kein Ende"),
        ("@", "@ ist kein Zeichen von Ausdrücken"),
        ("answers.why > 5", "> geht nicht mit: ein Text und eine ganze Zahl"),
        ("!answers.why", "! geht nicht mit: ein Text"),
        ("flags.vip ? 1 : 'a'", "beide Ergebnisse von ? : müssen von gleicher Art sein"),
        ("answers.npz > 5", "keine Variable heißt answers.npz; meinten Sie answers.nps?"),
        ("answers.why", "die Bedingung muss wahr oder falsch sein, dies ist ein Text"),
        ("if (a) b", "if ist ein Wort, das Ausdrücke sich vorbehalten"),
        ("9" * 30 + " > 1", "die Zahl ist zu groß oder nicht als Zahl geschrieben"),
        ("(" * 40 + "true" + ")" * 40, "der Ausdruck ist zu tief geschachtelt"),
        (" ", "der Ausdruck ist leer"),
    ],
)
def test_a_fault_of_an_expression_is_said_above_its_caret(source, german):
    with pytest.raises(rules.ExpressionInvalid) as refused:
        rules.condition(source, KINDS)
    reason, shown, caret = said_in("de", str(refused.value)).split("\n")
    assert reason.startswith(german)
    assert shown == source.strip() or shown == source
    assert caret.index("^") == refused.value.column - 1


def test_the_editor_shows_the_caret_in_the_language_of_the_reader(alice):
    fields = {
        "name": "N",
        "when": "response.completed",
        "mode": "cel",
        "source": "answers.nps >",
        "then-1-do": "note",
    }
    alice.get("~/automations/new")
    page = text_of(alice.post("~/automations/form", headers=GERMAN, **fields))
    assert "der Ausdruck endet hier, und etwas fehlt" in page


def test_each_fault_of_a_sheet_names_its_cell_in_the_language_of_the_reader(alice):
    book = openpyxl.Workbook()
    book.active.title = "Settings"
    book["Settings"].append(["Setting", "Value"])
    book["Settings"].append(["Colour", "blue"])
    book.create_sheet("Mapping").append(["Variable", "Field", "Transformations"])
    book["Mapping"].append(["answers.a", "a", "cut(length)"])
    raw = io.BytesIO()
    book.save(raw)
    alice.get("~/mappings")
    answer = alice.post("~/mappings/file", headers=GERMAN, file=(io.BytesIO(raw.getvalue()), "m"))
    page = text_of(answer)
    assert "Settings!A2 es gibt keine Einstellung dieses Namens" in page
    assert "Mapping!C2 bei Zeichen 11: schreiben Sie length=Wert" in page
    assert "there is no" not in page


@pytest.mark.parametrize("tongue", ["da", "de", "fr", "it"])
def test_no_fault_of_a_step_is_english_elsewhere(tongue):
    for typed in ("cut(80)", "cut(length=)", "cut(length=1, length=2)", "cut(name=x)", "cut length",
                  "5", 'prefix(text="a)', "prefix(text=“a”)", "cut(x=" + "[" * 5_000):  # fmt: skip
        with pytest.raises(steps.StepsUnreadable) as refused:
            steps.read(typed)
        assert said_in(tongue, str(refused.value)) != str(refused.value)


# --- names, and answers --------------------------------------------------------------------------


def test_a_webhook_in_the_list_says_what_it_is_told_of(here):
    page = here.browser.get("~/settings/webhooks", **GERMAN).text
    listed = re.findall(r'class="d-block text-secondary">(.*?)</span>', page)
    told = catalogue("de").gettext(TOLD["response.failed"])
    assert listed
    assert told in listed[0]
    assert "response." not in listed[0]


def test_answers_are_written_as_the_reader_writes_them(app):
    said = app.jinja_env.filters["answer_line"]
    with app.test_request_context(headers=GERMAN):
        assert said("1234.50", "number") == "1.234,5"
        assert said("2026-11-01", "date") == "01.11.2026"
        assert said("2026-11-01T10:00:00Z", "datetime").startswith("01.11.2026, 10:00")
        assert said("True", "boolean") == "Ja"
        assert said("•••", "number") == "•••"
