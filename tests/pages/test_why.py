"""Why something failed is said in the reader's language; what a CRM has said stands as it came."""

from __future__ import annotations

import re

import pytest

from connector.admin.codes import SENTENCES
from connector.admin.language import catalogue, said_in
from connector.admin.why import read_back
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


def test_a_sentence_behind_its_place_keeps_the_place(here):
    here.sql(
        "UPDATE delivery SET error_code = 'unknown_field',"
        " error = 'rows[3]: Contacts has no field fax' WHERE state = 'dead'"
    )
    page = text_of(here.browser.get(f"~/deliveries/{here.ids['dead']}", **GERMAN))
    assert "rows[3]: Contacts hat kein Feld fax" in page
