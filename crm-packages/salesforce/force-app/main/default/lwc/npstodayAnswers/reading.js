// What a card says, from the hub's answer. Pure: no browser, no vendor's library.
// `answerback card package` lays this file into each CRM's package.

const ARROWS = { up: "↑", down: "↓", same: "→" };

// Whether the hub knows nothing of this record.
export function isEmpty(card) {
  return card.trend.length === 0 && card.comment === null;
}

// "9 ↑", or an empty text where no score was given.
export function headline(card) {
  if (card.score === null) {
    return "";
  }
  const arrow = ARROWS[card.direction];
  return arrow ? `${card.score} ${arrow}` : String(card.score);
}

// "7 → 3 → 9", the newest last; nothing where there is only one.
export function trend(card) {
  return card.trend.length < 2 ? "" : card.trend.map((one) => one.score).join(" → ");
}

// "Møde, 22 Nov 2026": where and when the newest score was given.
export function occasion(card, locale) {
  const newest = card.trend[card.trend.length - 1];
  return newest ? [newest.campaign, day(newest.answered_at, locale)].filter(Boolean).join(", ") : "";
}

export function day(moment, locale) {
  const options = { day: "numeric", month: "short", year: "numeric", timeZone: "UTC" };
  return new Intl.DateTimeFormat(locale || "en-GB", options).format(new Date(moment));
}

// Only what a browser may safely open.
export function safeLink(card) {
  return typeof card.link === "string" && card.link.startsWith("https://") ? card.link : null;
}

// What to tell a colleague when the hub did not answer with a card.
export function failure(status) {
  if (status === 401) {
    return "Answerback does not accept this card: its secret or its account is not the one it knows.";
  }
  if (status === 404) {
    return "Answerback has no such card any more: an admin has ended it or the connection.";
  }
  if (status === 429) {
    return "Answerback is being asked too often. Try again in a minute.";
  }
  return "Answerback cannot be reached just now. Try again.";
}
