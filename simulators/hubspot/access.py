"""How an app gets into the simulated portal: consent page, tokens, account details, owners."""

from __future__ import annotations

from typing import Any

from simulators.hubspot.portal import SCOPES, VERSION, area
from simulators.hubspot.search import Search
from simulators.kit.clock import iso
from simulators.kit.messages import Answer, Refused, Request
from simulators.kit.oauth import OAuthRefused, Tokens
from simulators.kit.simulator import route

# Whether the token path exists under 2026-09 is unverified: only 2026-03 is documented.
TOKENS = r"/oauth/(?P<version>2026-03|v1)/token"


class Access(Search):
    """OAuth and the account."""

    @route("GET", r"/oauth(/(?P<portal>[0-9]+))?/authorize", kind="oauth")
    def authorize(self, request: Request) -> Answer:
        """As if the admin had agreed: back to the app with a code."""
        asked = f"{request.asked('scope')} {request.asked('optional_scope')}".split()
        granted = [one for one in asked if one in SCOPES]
        return self.oauth.authorize(request.query, scopes=granted)

    @route("POST", TOKENS, kind="oauth")
    def token(self, request: Request) -> Answer:
        """Tokens for a code or a refresh token; everything in the form body."""
        if request.params["version"] == "v1" and not self.options["oauth_v1"]:
            return self.errors.answer(410, "This API has been sunset")
        told = self._form(request)
        try:
            if told.get("grant_type") == "authorization_code":
                return self._told(self.oauth.exchange(told))
            if told.get("grant_type") == "refresh_token":
                answer = self._told(self.oauth.refresh(told))
                self.log.token_refreshes += 1
                return answer
        except OAuthRefused as exc:
            return self._refusal(exc)
        return Answer(400, {"error": "unsupported_grant_type", "status": "BAD_GRANT_TYPE"})

    @route("POST", rf"{TOKENS}/introspect", kind="oauth")
    def introspect(self, request: Request) -> Answer:
        """What a token is."""
        access = self.oauth.access(self._form(request).get("token"))
        if access is None:
            return Answer(200, {"active": False})
        scopes = sorted(self.oauth.scopes(access))
        return Answer(200, {"active": not self.oauth.is_expired(access), "scopes": scopes})

    @route("POST", rf"{TOKENS}/revoke", kind="oauth")
    def revoke(self, request: Request) -> Answer:
        """End a grant; an unknown token is as good as revoked."""
        self.oauth.revoke(self._form(request).get("token", ""))
        return Answer(200, {})

    @route("GET", rf"/account-info/{VERSION}/details", kind="other")
    def details(self, request: Request) -> Answer:
        """Which account this is."""
        del request
        return Answer(
            200,
            {
                "portalId": self.options["portal_id"],
                "accountType": "STANDARD",
                "timeZone": "Europe/Copenhagen",
                "companyCurrency": "DKK",
                "additionalCurrencies": [],
                "utcOffset": "+01:00",
                "utcOffsetMilliseconds": 3_600_000,
                "uiDomain": "app-eu1.hubspot.com",
                "dataHostingLocation": "eu1",
            },
        )

    @route("GET", rf"/account-info/{VERSION}/api-usage/daily/private-apps", kind="other")
    def usage(self, request: Request) -> Answer:
        """The day's calls of the portal's keys. What an OAuth app gets is not documented: a 403
        here.
        """
        if not self._by_key(request):
            return self.errors.missing_scopes(["private-apps"])
        now = self.clock.now()
        day = {
            "name": "private-apps-api-calls-daily",
            "usageLimit": self.daily.limit,
            "currentUsage": self.daily.used,
            "collectedAt": iso(now),
            "fetchStatus": "SUCCESS",
            "resetsAt": iso(now + self.daily.wait_s(now)),
        }
        return Answer(200, {"results": [day]})

    @route("GET", area("limits") + "/records", kind="other")
    def record_limits(self, request: Request) -> Answer:
        """How many records the portal may hold; custom ones with Enterprise alone."""
        del request
        if not self.options["limits_told"]:
            return self.errors.missing_scopes(["crm.objects.contacts.read"])
        most, held = self.options["most_contacts"], len(self.kinds["contacts"].records)
        contacts = {"objectTypeId": "0-1", "singularLabel": "Contact", "pluralLabel": "Contacts"}
        told: dict[str, Any] = {
            "hubspotDefinedObjectTypes": [contacts | _share(most, held)],
        }
        if self.options["enterprise"]:
            told["customObjectTypes"] = {
                "overallLimit": 1_500_000, "overallUsage": 0, "overallPercentage": 0.0,
                "byObjectType": [],
            }  # fmt: skip
        return Answer(200, told)

    @route("GET", area("limits") + "/custom-properties", kind="other")
    def property_limits(self, request: Request) -> Answer:
        """How many custom properties each kind may have."""
        del request
        if not self.options["limits_told"]:
            return self.errors.missing_scopes(["crm.schemas.contacts.read"])
        most = self.options["most_properties"]
        own = [
            one for one in self.kinds["contacts"].definitions.values() if not one["hubspotDefined"]
        ]
        return Answer(200, {"byObjectType": [{"objectTypeId": "0-1"} | _share(most, len(own))]})

    @route("GET", area("owners") + "/?", kind="read")
    def owners(self, request: Request) -> Answer:
        """The portal's users who may own a record."""
        self.need(request, "crm.objects.owners.read")
        made = {"createdAt": "2024-10-18T13:31:08.442Z", "updatedAt": "2024-10-18T13:31:08.442Z"}
        owner = {
            "id": "4100",
            "email": "owner@portal.example",
            "firstName": "Karen",
            "lastName": "Holm",
        }
        return Answer(200, {"results": [{**owner, **made, "userId": 9001, "archived": False}]})

    def _form(self, request: Request) -> dict[str, str]:
        kind = request.headers.get("content-type", "").partition(";")[0]
        if kind != "application/x-www-form-urlencoded":
            raise Refused(self.errors.answer(415, "Unsupported Media Type"))
        return request.form()

    def _told(self, tokens: Tokens) -> Answer:
        body: dict[str, Any] = {
            "token_type": "bearer",
            "access_token": tokens.access_token,
            "expires_in": tokens.expires_in,
            "scopes": list(tokens.scopes),
            "hub_id": self.options["portal_id"],
            "user_id": tokens.family.user["user_id"],
        }
        if tokens.refresh_token is not None:
            body["refresh_token"] = tokens.refresh_token
        return Answer(200, body)

    def _refusal(self, exc: OAuthRefused) -> Answer:
        dead = exc.error == "invalid_grant"
        status = "BAD_REFRESH_TOKEN" if "refresh" in exc.reason else "BAD_AUTH_CODE"
        body = {
            "error": exc.error,
            "error_description": "refresh token is invalid, expired or revoked"
            if dead
            else exc.reason,
            "status": status if dead else "BAD_CLIENT_ID",
            "message": exc.reason,
        }
        return Answer(400, body)


def _share(limit: int, usage: int) -> dict[str, Any]:
    return {"limit": limit, "usage": usage, "percentage": round(usage * 100 / limit, 2)}
