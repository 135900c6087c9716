// Starts Swagger UI on the element that names the description's address. A file of its own: the policy
// of the page allows no inline script.
"use strict";

window.addEventListener("DOMContentLoaded", () => {
  const place = document.getElementById("swagger-ui");
  window.SwaggerUIBundle({
    url: place.dataset.description,
    domNode: place,
    deepLinking: true,
    defaultModelsExpandDepth: 0,
    displayRequestDuration: true,
    persistAuthorization: false, // a key is never kept in the browser's storage
    validatorUrl: null, // the online validator would send the description elsewhere
    presets: [window.SwaggerUIBundle.presets.apis],
    layout: "BaseLayout",
  });
});
