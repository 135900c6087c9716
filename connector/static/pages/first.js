// Before the page is drawn: scripts are there, and which colours. A file of its own, since the policy
// of the page allows no inline script.
"use strict";

(() => {
  const root = document.documentElement;
  root.classList.remove("no-js");
  if (root.dataset.theme === "auto" && window.matchMedia("(prefers-color-scheme: dark)").matches) {
    root.dataset.bsTheme = "dark";
  }
})();
