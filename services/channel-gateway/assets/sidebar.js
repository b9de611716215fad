// The list of conversations: a column beside the chat, a drawer on a narrow screen.

import { byId, h, setText, straight } from "./dom.js";
import { timeOf } from "./ulid.js";

const DAY_MS = 24 * 60 * 60 * 1000;

export class Sidebar {
  /// `onNew()` begins a conversation.
  constructor({ onNew }) {
    this.onNew = onNew;
    byId("new").onclick = () => {
      this.close();
      onNew();
    };
    byId("sidebar-open").onclick = () => this.open();
    byId("sidebar-close").onclick = () => this.close();
    byId("shade").onclick = () => this.close();
    document.addEventListener("keydown", (event) => { if (event.key === "Escape") this.close(); });
    this.isNarrow = matchMedia("(max-width: 52rem)");
    this.isNarrow.onchange = () => this.showDrawer(false);
    this.showDrawer(false);
  }

  open() {
    this.showDrawer(true);
    byId("sidebar-close").focus();
  }

  close() {
    if (!this.isOpen) return;
    this.showDrawer(false);
    byId("sidebar-open").focus();
  }

  showDrawer(isOpen) {
    this.isOpen = isOpen;
    byId("sidebar").classList.toggle("open", isOpen);
    // Out of sight is out of reach of the keyboard, too; and an open drawer keeps the focus within.
    byId("sidebar").inert = this.isNarrow.matches && !isOpen;
    document.querySelector(".chat").inert = isOpen;
    byId("shade").hidden = !isOpen;
    byId("sidebar-open").setAttribute("aria-expanded", String(isOpen));
  }

  /// Shows the list. `current` is the open conversation, which stands on top while nobody else knows it.
  show(conversations, current) {
    const list = byId("conversations");
    const focused = list.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
    list.replaceChildren(...conversations.map((conversation) => this.entry(conversation, conversation.id === current)));
    if (focused) list.querySelector(`a[href="${focused}"]`)?.focus();
    byId("conversations-empty").hidden = conversations.length > 0;
  }

  entry({ id, title, is_running: isRunning, queued, changed_at_ms: changedAt }, isCurrent) {
    const state = isRunning ? h("span", { class: "dot running" }, h("span", { class: "offscreen" }, "answering")) : null;
    const when = h("time", { class: "faint" }, moment(changedAt || timeOf(id)));
    const label = h("span", { class: "conversation-title" }, title || "Untitled");
    const count = queued > 0 ? h("span", { class: "count", title: `${queued} waiting` }, String(queued)) : null;
    const link = h("a", { href: `#c=${id}`, "aria-current": isCurrent ? "page" : null, onclick: () => this.close() }, label, count, state ?? when);
    return h("li", {}, link);
  }
}

function moment(milliseconds) {
  const date = new Date(milliseconds);
  const age = Date.now() - milliseconds;
  if (age < DAY_MS && date.getDate() === new Date().getDate()) return date.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
  if (age < 6 * DAY_MS) return date.toLocaleDateString([], { weekday: "short" });
  return date.toLocaleDateString([], { day: "numeric", month: "short" });
}

export function showTitle(text) {
  setText(byId("title"), text || "New conversation");
  document.title = text ? `${straight(text)} · Argentum` : "Argentum";
}
