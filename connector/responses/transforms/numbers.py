"""Transformations of numbers, exact in decimals, and of truth values. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation, localcontext
from decimal import Context as Precision

from babel import Locale
from babel.numbers import NumberFormatError, get_decimal_symbol, get_group_symbol, parse_decimal

from connector.responses.transforms.core import (
    Context,
    Example,
    Param,
    Params,
    Transformation,
    TransformFailed,
    kind_of,
)
from connector.responses.transforms.dates import known_language
from connector.responses.vocabulary import exact, score_class
from schemas.fields import FieldValue
from schemas.phrases import phrase

# A pushed number has at most 38 digits before and 20 behind the sign; nothing here may round
# unasked.
_EXACT = Precision(prec=80, rounding=ROUND_HALF_UP)
_TOP_SCORE = 10
_SPACES = str.maketrans({"\u00a0": " ", "\u202f": " ", "\u2009": " "})
WORDS: Mapping[str, tuple[str, str]] = {
    "da": ("Ja", "Nej"),
    "de": ("Ja", "Nein"),
    "en": ("Yes", "No"),
    "es": ("Sí", "No"),
    "fi": ("Kyllä", "Ei"),
    "fr": ("Oui", "Non"),
    "it": ("Sì", "No"),
    "nb": ("Ja", "Nei"),
    "nl": ("Ja", "Nee"),
    "pl": ("Tak", "Nie"),
    "pt": ("Sim", "Não"),
    "sv": ("Ja", "Nej"),
}


def _rounded(number: Decimal, digits: int) -> Decimal:
    with localcontext(_EXACT):
        return number.quantize(Decimal(1).scaleb(-digits))


def _round(number: Decimal, params: Params, _: Context) -> FieldValue:
    return exact(_rounded(number, params["digits"]))


def _scale(number: Decimal, params: Params, _: Context) -> FieldValue:
    low, high = params["from_low"], params["from_high"]
    if low == high:
        rule = phrase("needs from_low and from_high to differ")
        raise TransformFailed(name="scale", rule=rule)
    with localcontext(_EXACT):
        share = (number - low) / (high - low)
        scaled = params["to_low"] + share * (params["to_high"] - params["to_low"])
    return exact(_rounded(scaled, params["digits"]))


def _format(number: Decimal, params: Params, _: Context) -> str:
    digits = params["digits"]
    shown = number if digits is None else _rounded(number, digits)
    whole, _sign, fraction = format(shown.copy_abs(), "f").partition(".")
    grouped = _grouped(whole, params["thousands"]) if params["thousands"] else whole
    minus = "-" if shown < 0 else ""
    return f"{minus}{grouped}{params['decimal']}{fraction}" if fraction else f"{minus}{grouped}"


def _grouped(whole: str, sign: str) -> str:
    return format(int(whole), ",").replace(",", sign)


def _parse(text: str, params: Params, context: Context) -> FieldValue:
    language = Locale.parse((params["language"] or context.language).replace("-", "_"))
    bare = text.strip().translate(_SPACES)
    if get_group_symbol(language).translate(_SPACES) == " ":
        # A group sign of any width is a space to whoever types it.
        bare = bare.replace(" ", get_group_symbol(language))
    try:
        number = parse_decimal(bare, locale=language, strict=True)
    except (NumberFormatError, InvalidOperation, ValueError):
        number = Decimal("NaN")
    if not number.is_finite() or abs(number.adjusted()) > _EXACT.prec:
        signs = phrase("%(sign)s as decimal sign", sign=get_decimal_symbol(language))
        raise TransformFailed(
            name="parse_number",
            rule=phrase("needs a number with %(signs)s", signs=signs),
            given=phrase("other text"),
        )
    return exact(number)


def _class(number: Decimal, params: Params, _: Context) -> str:
    if not 0 <= number <= _TOP_SCORE:
        rule = phrase("needs a score from 0 to 10")
        raise TransformFailed(name="score_class", rule=rule, given=phrase("another number"))
    word: str = params[score_class(number)]
    return word


def _yes_no(value: FieldValue, params: Params, context: Context) -> FieldValue:
    if value is None:
        return None
    if not isinstance(value, bool):
        rule = phrase("needs true or false")
        raise TransformFailed(name="yes_no", rule=rule, given=kind_of(value))
    language = (params["language"] or context.language).replace("_", "-").split("-")[0]
    yes, no = WORDS.get(language, WORDS["en"])
    return (params["yes"] or yes) if value else (params["no"] or no)


def _truth(text: str, params: Params, _: Context) -> bool:
    word = text.strip().casefold()
    if word in {one.strip().casefold() for one in params["yes"].split(",")}:
        return True
    if word in {one.strip().casefold() for one in params["no"].split(",")}:
        return False
    rule = phrase("needs one of the words for yes or no")
    raise TransformFailed(name="parse_yes_no", rule=rule, given=phrase("other text"))


_LANGUAGE = Param("language", "text", "else the response's", check=known_language)
_DIGITS = Param("digits", "whole", "digits behind the decimal sign", default=0, high=20)

NUMBERS = (
    Transformation(
        "parse_number",
        "Read a number",
        "Reads a number as a language writes it, exactly.",
        "text",
        _parse,
        (
            Example("1.234,50", "1234.5", {"language": "da"}),
            Example("1 234,5", "1234.5", {"language": "fr"}),
            Example("1,234.50", "1234.5", {"language": "en"}),
        ),
        (_LANGUAGE,),
    ),
    Transformation(
        "number_format",
        "Write a number",
        "Writes a number with the signs you choose.",
        "number",
        _format,
        (
            Example("1234567.5", "1.234.567,50", {"decimal": ",", "thousands": ".", "digits": 2}),
            Example("12.50", "12.50"),
            Example(-1200, "-1 200", {"thousands": " "}),
        ),
        (
            Param("decimal", "text", "decimal sign", default=".", choices=(".", ",")),
            Param(
                "thousands",
                "text",
                "sign between thousands",
                default="",
                choices=("", ".", ",", " ", "'", "\u202f"),
            ),
            Param("digits", "whole", "digits behind the sign, else as they are", high=20),
        ),
    ),
    Transformation(
        "round",
        "Round",
        "Rounds to digits behind the decimal sign, a half away from zero.",
        "number",
        _round,
        (
            Example("12.50", 13),
            Example("2.345", "2.35", {"digits": 2}),
            Example("-2.5", -3),
        ),
        (_DIGITS,),
    ),
    Transformation(
        "scale",
        "Change the scale",
        "Moves a number from one scale to another (0-10 to 0-100).",
        "number",
        _scale,
        (
            Example(7, 70),
            Example(
                4, "7.5", {"from_low": 1, "from_high": 5, "to_low": 0, "to_high": 10, "digits": 1}
            ),
        ),
        (
            Param("from_low", "whole", "the scale's lower end", default=0, low=-100_000),
            Param("from_high", "whole", "the scale's upper end", default=10, low=-100_000),
            Param("to_low", "whole", "the new lower end", default=0, low=-100_000),
            Param("to_high", "whole", "the new upper end", default=100, low=-100_000),
            _DIGITS,
        ),
    ),
    Transformation(
        "score_class",
        "Class of a score",
        "Promoter (9-10), passive (7-8) or detractor (0-6), in your words.",
        "number",
        _class,
        (
            Example(9, "promoter"),
            Example(7, "Passiv", {"passive": "Passiv"}),
            Example(0, "detractor"),
        ),
        (
            Param("promoter", "text", "word for 9-10", default="promoter"),
            Param("passive", "text", "word for 7-8", default="passive"),
            Param("detractor", "text", "word for 0-6", default="detractor"),
        ),
    ),
    Transformation(
        "yes_no",
        "Yes or no",
        "Says true or false in words of the language, or in yours.",
        "any",
        _yes_no,
        (
            Example(value=True, result="Ja", params={"language": "da"}),
            Example(value=False, result="Non", params={}, context=Context(language="fr-CH")),
            Example(value=True, result="1", params={"yes": "1", "no": "0"}),
        ),
        (
            _LANGUAGE,
            Param("yes", "text", "your word for true"),
            Param("no", "text", "your word for false"),
        ),
    ),
    Transformation(
        "parse_yes_no",
        "Read yes or no",
        "Makes true or false of your words, whatever their case.",
        "text",
        _truth,
        (
            Example("Oui", result=True, params={"yes": "oui, o", "no": "non, n"}),
            Example("no", result=False),
        ),
        (
            Param("yes", "text", "words for true, with commas", default="yes,true,1"),
            Param("no", "text", "words for false, with commas", default="no,false,0"),
        ),
    ),
)
