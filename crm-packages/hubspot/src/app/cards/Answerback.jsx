// The card beside a HubSpot contact. HubSpot's servers make the request and sign it; there is no
// secret here, and nothing is asked of HubSpot itself.
import React, { useEffect, useState } from "react";
import { Alert, Flex, Link, LoadingSpinner, Tag, Text, hubspot } from "@hubspot/ui-extensions";

import { failure, headline, isEmpty, occasion, safeLink, trend } from "./reading.js";

const ADDRESS = "https://hub.example/cards/hubspot/TOKEN";
const COLOURS = { promoter: "success", passive: "warning", detractor: "error" };

hubspot.extend(({ context }) => <Answerback context={context} />);

function Answerback({ context }) {
  const contact = String(context.crm.objectId);
  const [card, setCard] = useState(null);
  const [problem, setProblem] = useState("");

  useEffect(() => {
    let isCurrent = true;
    ask(contact).then((told) => {
      if (isCurrent) {
        setCard(told.card);
        setProblem(told.problem);
      }
    });
    return () => {
      isCurrent = false;
    };
  }, [contact]);

  if (problem) {
    return <Alert title="Survey answers" variant="warning">{problem}</Alert>;
  }
  return card ? <Shown card={card} locale={context.user.locale} /> : <LoadingSpinner label="Survey answers" />;
}

async function ask(contact) {
  try {
    const answer = await hubspot.fetch(ADDRESS, { method: "POST", timeout: 5000, body: { contact } });
    if (!answer.ok) {
      return { card: null, problem: failure(answer.status) };
    }
    return { card: await answer.json(), problem: "" };
  } catch {
    return { card: null, problem: failure(0) };
  }
}

function Shown({ card, locale }) {
  if (isEmpty(card)) {
    return <Text>No survey answers yet.</Text>;
  }
  const link = safeLink(card);
  return (
    <Flex direction="column" gap="small">
      {card.score === null ? null : (
        <Flex direction="row" gap="small" align="center">
          <Text format={{ fontWeight: "bold" }}>{headline(card)}</Text>
          <Tag variant={COLOURS[card.score_class]}>{card.score_class}</Tag>
        </Flex>
      )}
      <Text variant="microcopy">{occasion(card, locale)}</Text>
      {trend(card) ? <Text>{trend(card)}</Text> : null}
      {card.comment ? <Text format={{ italic: true }}>{card.comment.text}</Text> : null}
      {link ? <Link href={link}>More</Link> : null}
    </Flex>
  );
}
