"""What a source is: its platform, how that signs, what the admin says; checked when saved. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from connector.problems import Code, Refusal, places_of
from connector.responses import recipes
from schemas.phrases import phrase
from schemas.signatures import SCHEMES, Scheme, key_bytes
from schemas.sources import PLATFORMS
from schemas.sources.base import Platform, Wishes

# By the specification of Standard Webhooks.
_KEY_BYTES = range(24, 65)


@dataclass(frozen=True, slots=True)
class Described:
    """A source as its settings describe it. `scheme` None: its address alone is the secret."""

    platform: Platform
    scheme: Scheme | None
    wishes: Wishes
    base_url: str | None
    connection_id: int | None = None

    @property
    def is_signed_by_us(self) -> bool:
        """Whether we make the secret that its messages are signed with."""
        return self.scheme is not None and not self.platform.own_secret


def described(name: str, settings: Mapping[str, Any]) -> Described:
    """The source of that platform with these settings."""
    platform, recipe = PLATFORMS[name], settings.get("recipe")
    if platform.by_recipe and recipe is not None:
        platform = recipes.platform_of(recipe, platform)
        scheme = recipes.scheme_of(recipe)
    else:
        scheme = SCHEMES[platform.scheme] if platform.scheme else None
    own = platform.api.base_url if platform.api else None
    base_url, bound = settings.get("base_url") or own, settings.get("connection")
    return Described(platform, scheme, _wishes(settings), base_url, bound)


def _wishes(settings: Mapping[str, Any]) -> Wishes:
    lists = {
        part: {name: tuple(every) for name, every in settings.get(part, {}).items()}
        for part in ("respondent", "names")
    }
    return Wishes(types=settings.get("types", {}), campaign=settings.get("campaign"), **lists)


def checked(name: str, settings: Mapping[str, Any]) -> Described:
    """The same, refused where the settings cannot work. Raises Refusal(SETTING_INVALID)."""
    platform = PLATFORMS[name]
    if platform.by_recipe and "recipe" not in settings:
        raise refusal(
            why=phrase("A recipe says how this platform pushes."), at=("settings", "recipe")
        )
    if not platform.by_recipe and "recipe" in settings:
        raise refusal(
            why=phrase("%(label)s needs no recipe.", label=phrase(platform.label)),
            at=("settings", "recipe"),
        )
    made = described(name, settings)
    if platform.by_recipe:
        recipes.check(settings["recipe"], made.wishes, base=platform)
    if platform.polls is None and "connection" in settings:
        why = phrase("%(label)s is asked at no connection.", label=phrase(platform.label))
        raise refusal(why=why, at=("settings", "connection"))
    if platform.polls is not None and "connection" not in settings:
        raise unbound(platform)
    if platform.api is None and "base_url" in settings:
        raise refusal(
            why=phrase("Nothing is fetched from %(label)s.", label=phrase(platform.label)),
            at=("settings", "base_url"),
        )
    if platform.api is not None and not made.base_url:
        why = phrase(
            "The address of your %(label)s, like https://fra1.qualtrics.com.",
            label=phrase(platform.label),
        )
        raise refusal(why=why, at=("settings", "base_url"))
    return made


def unbound(platform: Platform) -> Refusal:
    """No connection of the platform's app is named."""
    why = phrase(
        "The id of the connection at which %(label)s is asked.", label=phrase(platform.label)
    )
    return refusal(why=why, at=("settings", "connection"))


def check_secret(made: Described, secret: str) -> None:
    """Raises Refusal for a secret that could never fit, at the time when it can be mended."""
    if made.scheme is None:
        raise refusal(
            why=phrase(
                "%(label)s does not sign: its address is the secret.",
                label=phrase(made.platform.label),
            )
        )
    key = key_bytes(made.scheme, secret)
    if key is None or (made.scheme.key == "whsec" and len(key) not in _KEY_BYTES):
        raise refusal(why=phrase("must be whsec_ and 24 to 64 bytes in base64"))


def refusal(*, why: str, at: tuple[str, ...] = ("secret",)) -> Refusal:
    """A setting that cannot work, at its place in the body."""
    messages: Any = [why]
    for name in reversed(at):
        messages = {name: messages}
    return Refusal(Code.SETTING_INVALID, why, places=places_of(messages))
