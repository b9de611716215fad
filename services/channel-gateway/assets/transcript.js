// The transcript: one article for each turn, kept while it changes, so that selections and the place of reading stay.

import { byId, copyText, h, setText } from "./dom.js";
import { answeredBy } from "./models.js";
import { renderMarkdown } from "./render.js";

/// Nearer to the end than this, the reader follows what comes.
const FOLLOW_PIXELS = 80;
/// Text that grows is redrawn at most this often, and rarer where drawing is slow.
const REDRAW_MS_MIN = 40;

const NOTES = {
  queued: "Waiting for its turn",
  sending: "Sending",
  stopped: "Stopped",
  failed: "Failed",
  quarantined: "Given up after several tries",
};

export class Transcript {
  /// `onRetry(key)`, `onDiscard(key)`, `onEdit(key)` concern messages that were not taken.
  constructor({ onRetry, onDiscard, onEdit }) {
    Object.assign(this, { onRetry, onDiscard, onEdit });
    this.articles = new Map();
    this.isFollowing = true;
    // Where the view was put last: what is above that was scrolled to by the reader.
    this.placedAt = 0;
    this.redrawAt = 0;
    this.scroller = byId("scroller");
    this.scroller.onscroll = () => this.noteScroll();
    byId("to-end").onclick = () => this.toEnd();
    new ResizeObserver(() => this.keepPlace()).observe(byId("transcript"));
    new ResizeObserver(() => this.keepPlace()).observe(this.scroller);
  }

  clear() {
    this.articles.clear();
    byId("transcript").replaceChildren();
    this.isFollowing = true;
    this.placedAt = 0;
  }

  show(entries) {
    const container = byId("transcript");
    const keys = new Set(entries.map((entry) => entry.key));
    for (const [key, article] of this.articles) {
      if (keys.has(key)) continue;
      article.node.remove();
      this.articles.delete(key);
    }
    entries.forEach((entry, index) => {
      const article = this.articles.get(entry.key) ?? this.add(entry);
      if (container.children[index] !== article.node) container.insertBefore(article.node, container.children[index] ?? null);
      this.update(article, entry);
    });
    this.keepPlace();
  }

  add(entry) {
    const question = h("div", { class: "question" });
    const answer = h("div", { class: "answer" });
    const note = h("div", { class: "note" });
    const node = h("article", { class: "turn" }, h("h3", { class: "offscreen" }, "You"), question, h("h3", { class: "offscreen" }, "Argentum"), answer, note);
    const article = { node, question, answer, note, shown: {} };
    this.articles.set(entry.key, article);
    return article;
  }

  update(article, entry) {
    const { node, question, answer, shown } = article;
    node.dataset.state = entry.state;
    setText(question, entry.question);
    question.hidden = entry.question === "";
    const isAwaited = entry.state === "running" || entry.state === "starting";
    answer.setAttribute("aria-busy", String(isAwaited));
    if (entry.state !== shown.state || entry.problem !== shown.problem) article.note.replaceChildren(...this.notes(entry));
    const isOver = !["running", "ending"].includes(entry.state);
    if (entry.answer !== shown.answer) this.draw(article, entry.answer, isOver);
    answer.hidden = entry.answer === "" && !isAwaited;
    article.shown = { state: entry.state, problem: entry.problem, answer: entry.answer };
  }

  /// Draws the answer: at once when it is complete, else as often as drawing is cheap.
  draw(article, text, isComplete) {
    article.text = text;
    if (isComplete) return this.drawNow(article);
    if (article.timer) return;
    const pause = Math.max(0, this.redrawAt - performance.now());
    article.timer = setTimeout(() => this.drawNow(article), pause);
  }

  drawNow(article) {
    clearTimeout(article.timer);
    article.timer = undefined;
    const began = performance.now();
    renderMarkdown(article.answer, article.text);
    this.redrawAt = performance.now() + Math.max(REDRAW_MS_MIN, 4 * (performance.now() - began));
  }

  notes({ key, state, problem, answer, model }) {
    const button = (label, run) => h("button", { type: "button", class: "quiet", onclick: run }, label);
    switch (state) {
      case "waiting": return [h("span", { class: "warn" }, `Not sent yet. ${problem ?? ""}`), button("Try now", () => this.onRetry(key)), button("Discard", () => this.onDiscard(key))];
      case "failed": if (problem === undefined) break;
        return [h("span", { class: "bad" }, `Not sent: ${problem}`), button("Try again", () => this.onRetry(key)), button("Edit", () => this.onEdit(key)), button("Discard", () => this.onDiscard(key))];
      case "cleared": return [h("span", {}, "From here on, what was said before is not told to the model.")];
      case "answered": return [modelNode(model), copyButton(answer)].filter((node) => node !== null);
      default: break;
    }
    const text = NOTES[state];
    const copy = ["stopped"].includes(state) && answer ? copyButton(answer) : null;
    const told = text ? h("span", { class: ["failed", "quarantined"].includes(state) ? "bad" : null }, text) : null;
    return [told, modelNode(model), copy].filter((node) => node !== null);
  }

  noteScroll() {
    // Text may have come since the view was put: then it is not at the end, and still nobody has scrolled.
    const isWherePut = this.isFollowing && this.placedAt - 1 <= this.scroller.scrollTop;
    this.isFollowing = isWherePut || this.isNearEnd();
    byId("to-end").hidden = this.isFollowing;
  }

  isNearEnd() {
    const { scrollTop, scrollHeight, clientHeight } = this.scroller;
    return scrollHeight - scrollTop - clientHeight < FOLLOW_PIXELS;
  }

  keepPlace() {
    // The reader's scrolling is told only later; text that comes in between must not undo it.
    if (this.scroller.scrollTop < this.placedAt - 1 && !this.isNearEnd()) this.isFollowing = false;
    if (this.isFollowing) {
      this.scroller.scrollTop = this.scroller.scrollHeight;
      this.placedAt = this.scroller.scrollTop;
    }
    byId("to-end").hidden = this.isFollowing;
  }

  toEnd() {
    this.isFollowing = true;
    this.placedAt = 0;
    this.keepPlace();
  }
}

/// Who gave the answer.
function modelNode(model) {
  const name = answeredBy(model ?? "");
  return name ? h("span", { class: "model", title: "Answered by" }, name) : null;
}

function copyButton(text) {
  const button = h("button", { type: "button", class: "quiet copy-answer", onclick: () => copyText(text, button) }, "Copy");
  return button;
}
