// The small corner that tells how the services are; the details on demand.

import { byId, h, setText } from "./dom.js";

const TEXTS = {
  ready: "All services are ready",
  starting: "Services are starting",
  degraded: "A service is not ready",
  draining: "Argentum is ending",
  failed: "A service has failed",
};

export function showBundle({ state, version, services }) {
  setText(byId("bundle-text"), TEXTS[state] ?? state);
  byId("bundle-dot").className = `dot ${state}`;
  setText(byId("version"), `Version ${version}`);
  byId("services").replaceChildren(...services.map(row));
}

export function showUnreachable() {
  setText(byId("bundle-text"), "Not connected");
  byId("bundle-dot").className = "dot lost";
}

function row({ name, state, restarts, text }) {
  return h("tr", {}, h("th", { scope: "row" }, name), h("td", { class: state, title: text || null }, state), h("td", { class: "number" }, String(restarts)));
}
