"""Transformations of phone numbers and countries. Pure."""

from __future__ import annotations

import unicodedata
from functools import lru_cache

import phonenumbers
from babel import Locale

from connector.responses.transforms.core import (
    Context,
    Example,
    Param,
    Params,
    Transformation,
    TransformFailed,
)
from connector.responses.transforms.dates import known_language
from schemas.phrases import phrase

_PAIR = 2


def _known_country(code: str) -> str | None:
    known = code in phonenumbers.SUPPORTED_REGIONS
    return None if known else "must be a country's code in capitals (DK, FR)"


def _number(text: str, params: Params, *, context: Context, name: str) -> phonenumbers.PhoneNumber:
    country = params["country"] or (context.country or "").upper() or None
    try:
        number = phonenumbers.parse(text, country)
    except phonenumbers.NumberParseException:
        number = None
    if number is None or not phonenumbers.is_possible_number(number):
        where = (
            phrase("of %(country)s or with +", country=country)
            if country
            else phrase("with + and the country's code")
        )
        raise TransformFailed(
            name,
            rule=phrase("needs a phone number %(where)s", where=where),
            given=phrase("other text"),
        )
    return number


def _national(text: str, params: Params, context: Context) -> str:
    number = _number(text, params, context=context, name="phone_national")
    written = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.NATIONAL)
    return written if params["spaces"] else "".join(sign for sign in written if sign.isdigit())


def _e164(text: str, params: Params, context: Context) -> str:
    number = _number(text, params, context=context, name="phone_e164")
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def _international(text: str, params: Params, context: Context) -> str:
    number = _number(text, params, context=context, name="phone_international")
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.INTERNATIONAL)


def _folded(text: str) -> str:
    bare = unicodedata.normalize("NFKD", text.casefold())
    return "".join(sign for sign in bare if sign.isalnum())


@lru_cache(maxsize=32)
def _codes(language: str) -> dict[str, str]:
    """Country names of a language, folded, with their codes; an immutable table of Babel's."""
    names = Locale.parse(language.replace("-", "_")).territories
    return {_folded(name): code for code, name in names.items() if len(code) == _PAIR}


def _country_code(text: str, params: Params, context: Context) -> str:
    language = params["language"] or context.language
    code = text.strip().upper()
    if code in _codes("en").values():
        return code
    found = _codes(language).get(_folded(text)) or _codes("en").get(_folded(text))
    if found is None:
        rule = phrase("needs a country's name in %(language)s or its code", language=language)
        raise TransformFailed(name="country_code", rule=rule, given=phrase("other text"))
    return found


def _country_name(text: str, params: Params, context: Context) -> str:
    language = (params["language"] or context.language).replace("-", "_")
    name = Locale.parse(language).territories.get(text.strip().upper())
    if name is None:
        rule = phrase("needs a country's code of two letters")
        raise TransformFailed(name="country_name", rule=rule, given=phrase("other text"))
    return str(name)


_COUNTRY = Param("country", "text", "country of numbers without +", check=_known_country)
_LANGUAGE = Param("language", "text", "language of the names", check=known_language)
_FRANCE = Context(country="FR")

PLACES = (
    Transformation(
        "phone_national",
        "Phone, national",
        "Writes a phone number as it is dialled in its country. Numbers without + are taken for "
        "the given country, else the contact's.",
        "text",
        _national,
        (
            Example("+33612345678", "0612345678"),
            Example("+33612345678", "06 12 34 56 78", {"spaces": True}),
            Example("06.12.34.56.78", "0612345678", {}, _FRANCE),
        ),
        (_COUNTRY, Param("spaces", "flag", "keep the country's grouping", default=False)),
    ),
    Transformation(
        "phone_e164",
        "Phone, E.164",
        "Writes a phone number with + and digits only.",
        "text",
        _e164,
        (
            Example("06 12 34 56 78", "+33612345678", {"country": "FR"}),
            Example("0612345678", "+33612345678", {}, _FRANCE),
            Example("+45 12 34 56 78", "+4512345678"),
        ),
        (_COUNTRY,),
    ),
    Transformation(
        "phone_international",
        "Phone, international",
        "Writes a phone number with +, country code and groups.",
        "text",
        _international,
        (Example("0612345678", "+33 6 12 34 56 78", {"country": "FR"}),),
        (_COUNTRY,),
    ),
    Transformation(
        "country_code",
        "Country code",
        "Makes the two-letter code of a country's name.",
        "text",
        _country_code,
        (
            Example("Danmark", "DK", {"language": "da"}),
            Example("germany", "DE"),
            Example("fr", "FR"),
        ),
        (_LANGUAGE,),
    ),
    Transformation(
        "country_name",
        "Country name",
        "Writes a two-letter country code in a language.",
        "text",
        _country_name,
        (
            Example("DK", "Danmark", {"language": "da"}),
            Example("de", "Allemagne", {"language": "fr"}),
        ),
        (_LANGUAGE,),
    ),
)
