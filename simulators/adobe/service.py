"""The simulated Adobe Campaign: IMS, profiles, metadata, services and subscriptions."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote, urlencode

from simulators.adobe.account import CLIENT, DAY_S, ORGANIZATION, Account
from simulators.adobe.instance import JSON, Profile, refusal
from simulators.kit.messages import Answer, BadBody, Request
from simulators.kit.simulator import route

ROOT = r"/(?P<org>[^/]+)/campaign"
API = ROOT + r"/(?P<api>profileAndServices(?:Ext)?)"
ONE = r"/(?P<key>[^/]+)"


class AdobeCampaign(Account):
    """The interface of one instance."""

    # --- IMS --------------------------------------------------------------------------------------

    @route("POST", "/ims/token/v3", kind="oauth")
    def token(self, request: Request) -> Answer:
        """A token for a day, for a form that says everything."""
        form = request.form()
        if form.get("grant_type") != "client_credentials" or not form.get("scope"):
            return Answer(400, {"error": "invalid_request"}, {}, JSON)
        if form.get("client_id") != CLIENT or form.get("client_secret") not in self.secrets:
            return Answer(400, {"error": "invalid_client"}, {}, JSON)
        self.signed_in += 1
        told = {"access_token": self.new_token(), "token_type": "bearer", "expires_in": DAY_S}
        return Answer(200, told, {}, JSON)

    # --- metadata and services --------------------------------------------------------------------

    @route("GET", API + "/resourceType/profile", kind="schema")
    def metadata(self, request: Request) -> Answer:
        extended = request.params["api"].endswith("Ext")
        content = {
            name: {"apiName": name, "type": "string", **one}
            for name, one in self.instance.fields.items()
            if extended or not name.startswith("cus")
        }
        return Answer(200, {"content": content, "name": "profile", "type": "item"}, {}, JSON)

    @route("GET", API + "/service", kind="schema")
    def services(self, request: Request) -> Answer:
        every = [self._service(request, key) for key in self.instance.services]
        return self._page(request, every)

    @route("DELETE", API + "/service" + ONE, kind="write")
    def end_service(self, request: Request) -> Answer:
        """What the vendor's own sample does to end one subscription."""
        if request.params["key"] not in self.instance.services:
            raise refusal(404, "404000", "The service does not exist.")
        self.end(request.params["key"])
        return Answer(204)

    def _service(self, request: Request, key: str) -> dict[str, Any]:
        name = self.instance.services[key]
        label = self.instance.labels[name]
        href = self._href(request, f"service/{key}")
        title = f"{label} ({name})"
        return {"PKey": key, "href": href, "label": label, "name": name, "title": title}

    # --- profiles ---------------------------------------------------------------------------------

    @route("GET", API + "/profile/(?P<filter>by[A-Za-z]+)", kind="read")
    def filtered(self, request: Request) -> Answer:
        """The filters; those that this instance lacks are refused, or ignored."""
        name, every = request.params["filter"], list(self.instance.profiles.values())
        if name in self.options["filters"]:
            every = [one for one in every if _is_found(name, request, one)]
        elif self.options["unknown_filter"] != 200:
            raise refusal(
                self.options["unknown_filter"], "404000", f"The filter {name} is unknown."
            )
        return self._page(request, [self._told(request, one) for one in every])

    @route("POST", API + "/profile", kind="write")
    def create(self, request: Request) -> Answer:
        profile = self.instance.create(self._body(request))
        return Answer(201, self._told(request, profile), {}, JSON)

    @route("GET", API + "/profile" + ONE, kind="read")
    def read(self, request: Request) -> Answer:
        profile = self.instance.found(request.params["key"])
        return Answer(200, self._told(request, profile), {}, JSON)

    @route("PATCH", API + "/profile" + ONE, kind="write")
    def change(self, request: Request) -> Answer:
        """It answers the key and the address alone."""
        profile = self.instance.found(request.params["key"])
        self.instance.change(profile, self._body(request))
        key = profile["PKey"]
        told = {"PKey": key, "href": self._href(request, f"profile/{key}")}
        return Answer(200, told, {}, JSON)

    def _body(self, request: Request) -> dict[str, Any]:
        told = request.json()
        if not isinstance(told, dict):
            raise BadBody
        if not request.params["api"].endswith("Ext"):
            for name in told:
                if name.startswith("cus"):
                    raise refusal(400, "400000", f"The attribute {name} is unknown.")
        return told

    def _told(self, request: Request, profile: Profile) -> dict[str, Any]:
        key = profile["PKey"]
        extended = request.params["api"].endswith("Ext")
        known = {
            name: profile.get(name, "")
            for name, one in self.instance.fields.items()
            if one.get("type") != "collection" and (extended or not name.startswith("cus"))
        }
        subscriptions = {"href": self._href(request, f"profile/{key}/subscriptions/")}
        href = self._href(request, f"profile/{key}")
        return {"PKey": key, "href": href, **known, "subscriptions": subscriptions}

    # --- subscriptions ----------------------------------------------------------------------------

    @route("GET", API + "/profile" + ONE + "/subscriptions/?", kind="read")
    def subscriptions(self, request: Request) -> Answer:
        profile = self.instance.found(request.params["key"])
        every = [self._subscription(request, one) for one in self.instance.of(profile)]
        return self._page(request, every)

    @route("POST", API + "/profile" + ONE + "/subscriptions/?", kind="write")
    def subscribe(self, request: Request) -> Answer:
        profile = self.instance.found(request.params["key"])
        service = request.json().get("service", {})
        made = self.instance.subscribe(profile, str(service.get("PKey")))
        return Answer(201, self._subscription(request, made), {}, JSON)

    @route("DELETE", API + "/profile" + ONE + "/subscriptions/(?P<own>[^/]+)", kind="write")
    def unsubscribe(self, request: Request) -> Answer:
        held = self.instance.subscriptions.get(request.params["own"])
        if held is None or held["profile"] != request.params["key"]:
            raise refusal(404, "404000", "The subscription does not exist.")
        del self.instance.subscriptions[request.params["own"]]
        return Answer(204)

    def _subscription(self, request: Request, one: dict[str, str]) -> dict[str, Any]:
        key, profile = one["PKey"], one["profile"]
        told = {
            "PKey": key,
            "created": "2026-11-22 10:54:00.363Z",
            "service": self._service(request, one["service"]),
            "subscriber": {"PKey": profile, "href": self._href(request, f"profile/{profile}")},
        }
        own = self._href(request, f"profile/{profile}/subscriptions/{key}")
        return {**told, "href": own} if self.options["subscription_hrefs"] else told

    # --- addresses and pages ----------------------------------------------------------------------

    def _href(self, request: Request, path: str) -> str:
        root = f"{self.base_url}/{ORGANIZATION}/campaign/{request.params['api']}"
        return f"{root}/{quote(path, safe='/@')}"

    def _page(self, request: Request, every: list[dict[str, Any]]) -> Answer:
        """The next page's address holds a start that nobody else can make."""
        count = int(request.asked("_lineCount", "25"))
        start = int(request.asked("_lineStart", "@0").removeprefix("@"))
        told: dict[str, Any] = {"content": every[start : start + count]}
        pages = not self.options["big_table"] or request.asked("_forcePagination") == "true"
        if start + count < len(every) and pages:
            query = {name: values[0] for name, values in request.query.items()}
            query |= {"_lineCount": str(count), "_lineStart": f"@{start + count}"}
            told["next"] = {"href": f"{self.base_url}{request.path}?{urlencode(query)}"}
        return Answer(200, told, {}, JSON)


def _is_found(name: str, request: Request, profile: Profile) -> bool:
    email = str(profile.get("email") or "").lower()
    if name == "byEmail":
        return email == request.asked("email").lower()
    asked = request.asked("text").lower()
    return asked in email or asked in str(profile.get("lastName") or "").lower()


__all__ = ["AdobeCampaign"]
