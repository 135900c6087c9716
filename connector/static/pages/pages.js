// What pages do in the browser beside htmx: copy, ask before an act, let messages go, draw charts.
"use strict";

(() => {
  const COPIED_MS = 1500;
  const TOLD_MS = 8000;

  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy]");
    if (!button) return;
    await navigator.clipboard.writeText(button.dataset.copy);
    button.classList.add("is-copied");
    setTimeout(() => button.classList.remove("is-copied"), COPIED_MS);
  });

  document.addEventListener("submit", (event) => {
    const words = event.target.dataset.ask;
    if (words && !window.confirm(words)) {
      event.preventDefault();
      event.stopImmediatePropagation();
    }
  }, true);

  // htmx adds the form's proof to what it sends by itself.
  document.addEventListener("htmx:configRequest", (event) => {
    const proof = document.querySelector("input[name=form_proof]");
    if (proof) event.detail.headers["X-Form-Proof"] = proof.value;
  });

  // Where one is, when only a part of the page has changed since.
  document.addEventListener("htmx:pushedIntoHistory", () => {
    for (const field of document.querySelectorAll("[data-here]")) {
      field.value = window.location.pathname + window.location.search;
    }
  });

  // A filter is sent when it changes; its button is for browsers without scripts.
  document.addEventListener("change", (event) => {
    const form = event.target.closest("form[data-sends]");
    if (form) form.requestSubmit();
  });

  function letGo(root) {
    for (const line of root.querySelectorAll("[data-goes]")) {
      setTimeout(() => line.remove(), TOLD_MS);
    }
  }

  // A chart is a <div data-chart='{"times": [...], "series": [{"label", "colour", "values"}]}'>; the
  // same figures stand in a table for whoever cannot see it. `days`: its times are days, not hours;
  // `range`: the least and the most of its values, where those are known.
  function draw(root) {
    for (const place of root.querySelectorAll("[data-chart]:not(.is-drawn)")) {
      place.classList.add("is-drawn");
      const told = JSON.parse(place.dataset.chart);
      const ink = colour(place, "secondary");
      const grid = colour(place, "border-color");
      const axis = { stroke: ink, grid: { stroke: grid, width: 1 }, ticks: { stroke: grid, width: 1 } };
      const zone = place.dataset.zone;
      const said = told.days ? day : hour;
      const options = {
        width: place.clientWidth,
        height: Number(place.dataset.height || 220),
        tzDate: (stamp) => window.uPlot.tzDate(new Date(stamp * 1000), zone),
        legend: { show: told.series.length > 1, live: false },
        cursor: { y: false },
        scales: { y: { range: told.range || ((_, low, high) => [0, Math.max(high * 1.1, 4)]) } },
        // An hour is as long as "12:00 PM" in some languages: closer, they run into each other.
        axes: [{ ...axis, space: 80, ...(told.times.length === 1 ? { splits: () => told.times } : {}), values: (_, stamps) => stamps.map((stamp) => said(stamp, zone)) }, { ...axis, size: 50 }],
        series: [{ value: (_, stamp) => (stamp == null ? "" : said(stamp, zone)) }].concat(told.series.map((one) => ({
          label: one.label,
          stroke: colour(place, one.colour),
          width: 2,
          points: { show: told.days === true },
          spanGaps: true,
        }))),
      };
      const chart = new window.uPlot(options, [told.times, ...told.series.map((one) => one.values)], place);
      new ResizeObserver(() => chart.setSize({ width: place.clientWidth, height: options.height })).observe(place);
    }
  }

  // A colour of Tabler's as the canvas takes it: its variables refer to each other.
  function colour(place, name) {
    place.style.color = `var(--tblr-${name})`;
    const told = getComputedStyle(place).color;
    place.style.color = "";
    return told;
  }

  function hour(stamp, zone) {
    const told = { hour: "2-digit", minute: "2-digit", timeZone: zone };
    return new Intl.DateTimeFormat(document.documentElement.lang, told).format(new Date(stamp * 1000));
  }

  function day(stamp, zone) {
    const told = { day: "numeric", month: "short", timeZone: zone };
    return new Intl.DateTimeFormat(document.documentElement.lang, told).format(new Date(stamp * 1000));
  }

  document.addEventListener("DOMContentLoaded", () => {
    letGo(document);
    draw(document);
  });
  document.addEventListener("htmx:afterSwap", (event) => {
    letGo(document);
    draw(event.detail.target);
  });
})();
