// The response records of a contact as a card. Pure.

const OBJECT = "NPSToday_Response__c";
const MOST_SCORES = 10;

export const RELATED_LIST = "NPSToday_Responses__r";
export const FIELDS = ["Score__c", "Comment__c", "Campaign__c", "Responded_At__c", "Link__c"].map(
  (name) => `${OBJECT}.${name}`
);
export const NEWEST_FIRST = [`-${OBJECT}.Responded_At__c`];

export function cardOf(records) {
  // Sorted here too: whether the list obeys the sign for "newest first" is not verified.
  const answers = records.map(answerOf).sort((one, other) => at(other) - at(one));
  const scored = answers.filter((one) => one.score !== null).slice(0, MOST_SCORES).reverse();
  const newest = scored[scored.length - 1];
  const written = answers.find((one) => one.comment);
  return {
    score: newest ? newest.score : null,
    direction: direction(scored),
    trend: scored,
    comment: written ? { text: written.comment, answered_at: written.answered_at } : null,
    link: answers.length ? answers[0].link : null,
  };
}

function answerOf(record) {
  const told = (name) => {
    const field = record.fields[name];
    return field && field.value !== undefined ? field.value : null;
  };
  return {
    score: told("Score__c"),
    answered_at: told("Responded_At__c"),
    campaign: told("Campaign__c"),
    comment: told("Comment__c"),
    link: told("Link__c"),
  };
}

function at(answer) {
  return answer.answered_at ? Date.parse(answer.answered_at) : 0;
}

function direction(scored) {
  if (scored.length < 2) {
    return null;
  }
  const [before, after] = scored.slice(-2).map((one) => one.score);
  if (before === after) {
    return "same";
  }
  return after > before ? "up" : "down";
}
