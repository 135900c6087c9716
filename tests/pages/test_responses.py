"""Responses are listed and looked at: answers in words, what became of each, files."""

from __future__ import annotations

import pytest

from connector.access import Role
from tests.pages.conftest import text_of
from tests.pages.filled import PNG, fill


@pytest.fixture
def here(alice, database):
    return fill(alice, database)


def test_responses_are_listed_with_score_and_what_became_of_them(here):
    page = text_of(here.browser.get("~/responses"))
    assert "Completed Søren Møller Spring 9 Needs attention api r-1" in page


@pytest.mark.parametrize(
    ("query", "shows"),
    [
        ("campaign_id={campaign_id}", True),
        ("contact_id={contact_id}&event=completed&span=1", True),
        ("event=partial", False),
        ("campaign_id=999", False),
    ],
)
def test_the_list_is_narrowed(here, query, shows):
    page = here.browser.get(f"~/responses?{query.format(**here.ids)}")
    assert (f'/responses/{here.ids["response_id"]}"' in page.text) == shows
    assert ("Nothing fits this filter" in page.text) != shows


@pytest.mark.parametrize("query", ["event=lost", "campaign_id=x", "span=9", "cursor=x"])
def test_a_filter_that_is_none_is_refused(here, query):
    assert here.browser.get(f"~/responses?{query}").status_code == 422


def test_a_response_tells_its_answers_in_words_and_each_step(here):
    page = here.browser.get(f"~/responses/{here.ids['response_id']}")
    told = text_of(page)
    assert "9 · Promoter Would you <i>recommend</i> us? 9" in told
    assert "How did you reach us? The web and a friend" in told
    assert told.index("recommend") < told.index("How did you reach") < told.index("Your signature")
    assert "<i>" not in page.text
    assert f'/deliveries/{here.ids["dead"]}"' in page.text
    assert "Why each rule took it or not Scores : true" in told


def test_the_versions_of_a_response_lead_to_each_other(here):
    later = here.one(
        "INSERT INTO response (workspace_id, source, response_id, revision, event, anonymous, body,"
        " answered_at) VALUES (:w, 'api', 'r-1', 2, 'deleted', true, '{}', now()) RETURNING id"
    )
    page = here.browser.get(f"~/responses/{later}")
    assert f'/responses/{here.ids["response_id"]}"' in page.text
    assert "It holds no answers." in text_of(page)
    assert "Response of anonymous" in text_of(page)


def test_a_picture_is_shown_and_any_other_file_only_taken_away(here):
    there = f"~/responses/{here.ids['response_id']}"
    picture = here.browser.get(f"{there}/files/{here.ids['file_id']}")
    assert (picture.data, picture.mimetype) == (PNG, "image/png")
    assert picture.headers["Content-Disposition"] == "inline; filename=bsigned.png"
    assert picture.headers["X-Content-Type-Options"] == "nosniff"
    assert picture.headers["Cache-Control"] == "no-store"
    other = here.picture("reached", b"<script>1</script>", "text/html")
    taken = here.browser.get(f"{there}/files/{other}")
    assert taken.mimetype == "application/octet-stream"
    assert taken.headers["Content-Disposition"].startswith("attachment")


def test_a_file_of_another_response_or_one_that_is_not_kept_is_not_there(here):
    other = here.one(
        "INSERT INTO response (workspace_id, source, response_id, revision, event, anonymous, body,"
        " answered_at) VALUES (:w, 'api', 'r-2', 1, 'completed', true, '{}', now()) RETURNING id"
    )
    assert here.browser.get(f"~/responses/{other}/files/{here.ids['file_id']}").status_code == 404
    here.sql("DELETE FROM file_content")
    here.sql("UPDATE answer_file SET state = 'removed'")
    there = f"~/responses/{here.ids['response_id']}"
    assert here.browser.get(f"{there}/files/{here.ids['file_id']}").status_code == 404
    assert "delivered, and not kept here any more" in text_of(here.browser.get(there))


def test_files_are_hidden_from_whoever_may_only_look(here, colleague):
    viewer = colleague(Role.VIEWER)
    page = viewer.get(f"~/responses/{here.ids['response_id']}")
    assert "Your signature hidden for your role" in text_of(page)
    assert "/files/" not in page.text
