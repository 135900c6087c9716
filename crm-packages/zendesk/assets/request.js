// The request of the card, as Zendesk's proxy takes it. Pure.
// The proxy makes the token and signs it with the app's secure setting: no secret is here, and none
// reaches the browser.

export function requestFor({ address, contact, subdomain, mark }) {
  return {
    url: address,
    type: "POST",
    secure: true,
    dataType: "json",
    headers: { Authorization: "Bearer {{jwt.token}}" },
    jwt: {
      algorithm: "HS256",
      secret_key: "{{setting.secret}}",
      expiry: 120,
      claims: { iss: subdomain, jti: mark, contact: String(contact) },
    },
  };
}

// Beside a ticket the requester is asked for, beside a user that user.
export function contactPath(location) {
  return location === "user_sidebar" ? "user.id" : "ticket.requester.id";
}
