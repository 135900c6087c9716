// The app beside a Zendesk ticket or user. Everything is written as text, never as markup.
import { failure, headline, isEmpty, occasion, safeLink, trend } from "./reading.js";
import { contactPath, requestFor } from "./request.js";

const ADDRESS = "https://hub.example/cards/zendesk/TOKEN";
const client = window.ZAFClient.init();

function write(id, text) {
  const place = document.getElementById(id);
  place.textContent = text;
  place.hidden = !text;
}

function show(card, locale) {
  write("state", isEmpty(card) ? "No survey answers yet." : "");
  write("score", headline(card));
  document.getElementById("score").className = card.score_class || "";
  write("occasion", occasion(card, locale));
  write("trend", trend(card));
  write("comment", card.comment ? card.comment.text : "");
  const link = safeLink(card);
  document.getElementById("more").hidden = !link;
  if (link) {
    document.getElementById("link").href = link;
  }
  client.invoke("resize", { width: "100%", height: `${document.body.scrollHeight}px` });
}

async function load() {
  const { account, location } = await client.context();
  const path = contactPath(location);
  const told = await client.get([path, "currentUser.locale"]);
  if (!told[path]) {
    write("state", "No survey answers yet.");
    return;
  }
  const { subdomain } = account;
  const mark = window.crypto.randomUUID();
  try {
    const card = await client.request(requestFor({ address: ADDRESS, contact: told[path], subdomain, mark }));
    show(card, told["currentUser.locale"]);
  } catch (error) {
    write("state", failure(error && error.status));
  }
}

client.on("app.registered", load);
client.on("ticket.requester.id.changed", load);
