"""Any platform that pushes our own normal form, signed by Standard Webhooks. Pure."""

from __future__ import annotations

from schemas.sources.base import JSON, Platform


def sample(number: str, email: str, score: int, at: str) -> JSON:
    """A response in the normal form."""
    return {
        "response_id": f"test-{number}",
        "submitted_at": at,
        "survey": {"id": "test", "name": "Test survey"},
        "campaign": {"id": "test", "name": "Test survey"},
        "respondent": {"email": email},
        "answers": {
            "nps": {"type": "nps", "value": score, "title": "How likely are you to recommend us?"},
            "why": {"type": "text", "value": "A test response", "title": "Why?"},
        },
    }


PLATFORM = Platform("standard", "Any platform, in our own form", sample=sample, scheme="standard")
