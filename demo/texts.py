"""What respondents write, by language. Pure."""

from __future__ import annotations

from collections.abc import Mapping

# What promoters, passives and detractors say.
WHY: Mapping[str, tuple[tuple[str, ...], ...]] = {
    "da": (
        ("Super venlig og velforberedt 😀", "I lyttede – og kom med løsninger. Tak! 👏🏽"),
        ("Fint møde, men lidt langt.", "Godt, dog uden overraskelser."),
        ("Vi ventede 20 minutter på parkeringen 😕", "Prisen blev aldrig nævnt & det ærgrer."),
    ),
    "de": (
        ("Monteure pünktlich, alles sauber hinterlassen 👍", "Großartig – gerne wieder! 😊"),
        ("Ganz ordentlich, Rückruf dauerte etwas.", "Passt, aber das Fußteil fehlte zunächst."),
        ("Lieferung 3 Tage zu spät 😡", "Verpackung beschädigt, <niemand> fühlte sich zuständig."),
    ),
    "fr": (
        ("Équipe à l'écoute, problème réglé en 24 h 🎉", "Très bon accueil, merci à Zoë !"),
        ("Correct, mais l'attente fut longue.", "Service convenable ; devis peu clair."),
        ("Toujours en panne après deux visites 😤", "On m'a facturé « l'imprévu » sans prévenir."),
    ),
    "it": (
        ("Personale gentilissimo, tornerò! ❤️", "Consigli perfetti – più di così non si può."),
        ("Tutto bene, però poca scelta.", "Negozio carino, è un po' caro."),
        ("Coda alla cassa di mezz'ora 😒", "Nessuno sapeva dov'era la merce."),
    ),
    "en": (
        ("Solved in one call, brilliant 🚀", 'Kind, quick, and it\'s "just fixed". 👩‍💻'),
        ("Fine overall; the queue was long.", "OK, but I had to ask twice."),
        ("Three agents, three answers 🤷", "Still waiting for the refund > 2 weeks."),
    ),
}
# A text that no short field can hold.
LONG: Mapping[str, str] = {
    "de": (
        "Zuerst kam niemand, dann kamen zwei.\n"
        "Der Aufbau selbst war tadellos, nur die Abstimmung davor nicht: "
        "drei Anrufe, zwei Termine, ein Missverständnis über die Treppe. "
        "Am Ende stand alles, wo es stehen soll, und die Küche sieht großartig aus.\n"
        "Bitte geben Sie das Lob an die Herren Weiß und Öztürk weiter. "
        "Für das nächste Mal wünsche ich mir eine einzige Telefonnummer."
    ),
    "fr": (
        "Premier passage : pièce manquante.\n"
        "Deuxième passage : réparé en dix minutes, avec le sourire et un café offert."
    ),
}
QUESTIONS: Mapping[str, Mapping[str, str]] = {
    "nps": {
        "da": "Hvor sandsynligt er det, at du vil anbefale os?",
        "de": "Wie wahrscheinlich ist es, dass Sie uns weiterempfehlen?",
        "fr": "Recommanderiez-vous nos services ?",
        "it": "Quanto è probabile che ci consigli?",
        "en": "How likely are you to recommend us?",
    },
    "why": {
        "da": "Hvorfor?",
        "de": "Warum?",
        "fr": "Pourquoi ?",
        "it": "Perché?",
        "en": "Why?",
    },
    "reason": {
        "da": "Hvad tæller mest for dig?",
        "de": "Was zählt für Sie am meisten?",
        "fr": "Qu'est-ce qui compte le plus pour vous ?",
        "it": "Che cosa conta di più per te?",
        "en": "What matters most to you?",
    },
    "improve": {
        "da": "Sæt i rækkefølge: hvad skal vi forbedre?",
        "de": "In welcher Reihenfolge sollen wir besser werden?",
        "fr": "Classez ce que nous devons améliorer",
        "it": "Metti in ordine che cosa migliorare",
        "en": "Rank what we should improve",
    },
}
REASONS: Mapping[str, Mapping[str, str]] = {
    "price": {"da": "Prisen", "de": "Der Preis", "fr": "Le prix", "it": "Il prezzo", "en": "Price"},
    "people": {
        "da": "Menneskene",
        "de": "Die Menschen",
        "fr": "Les gens",
        "it": "Le persone",
        "en": "The people",
    },
    "speed": {
        "da": "Hastigheden",
        "de": "Das Tempo",
        "fr": "La rapidité",
        "it": "La velocità",
        "en": "Speed",
    },
}
