// Messages that the page has written and nobody has taken yet.
//
// The page keeps a message until the gateway has answered it: in the browser's storage, so that neither a reload nor a lost answer
// loses it, and under the same key at every try, so that it is never taken twice. One of a conversation at a time, in order.

import { ulid } from "./ulid.js";

const PREFIX = "argentum.outbox.";
const RETRY_MS_MIN = 1000;
const RETRY_MS_MAX = 30000;
/// Another tab's message is taken over when that tab has not brought it through by then.
const ADOPT_MS = 20000;

export class Outbox {
  /// `send(message)` resolves to the gateway's answer or rejects with a problem: { text, isFinal, isLoggedOut, retryAfterMs }.
  constructor({ storage, send, onAccepted, onChange, onLoggedOut, setTimer, clearTimer, random = Math.random }) {
    Object.assign(this, { storage, send, onAccepted, onChange, onLoggedOut, random });
    // A browser's timers want to be called without an owner.
    this.setTimer = setTimer ?? ((run, milliseconds) => setTimeout(run, milliseconds));
    this.clearTimer = clearTimer ?? ((timer) => clearTimeout(timer));
    this.messages = new Map();
    this.lastTime = 0;
  }

  /// Takes up what an earlier life of the page has left.
  resume() {
    for (const name of Object.keys(this.storage)) this.read(name);
    this.sendNext();
  }

  /// What the storage of the browser told: another tab has written or removed a message.
  observe(name) {
    if (!name?.startsWith(PREFIX)) return;
    const key = name.slice(PREFIX.length);
    if (this.storage.getItem(name) === null) {
      this.forget(key);
    } else if (!this.messages.has(key) && this.read(name)) {
      this.wait(this.messages.get(key), ADOPT_MS);
    }
    this.onChange();
  }

  /// Puts a message in; it goes out as soon as it can.
  add(conversation, text, model = "") {
    // Later messages have later keys, also within a millisecond.
    this.lastTime = Math.max(Date.now(), this.lastTime + 1);
    const message = { key: ulid(this.lastTime), conversation, text, model, problem: null };
    this.keep(message);
    this.messages.set(message.key, { ...message, state: "sending", tries: 0 });
    this.onChange();
    this.sendNext();
    return message.key;
  }

  /// Those of a conversation, in order.
  of(conversation) {
    return this.inOrder().filter((message) => message.conversation === conversation);
  }

  /// Tries again at once what is waiting or has failed.
  retry(key) {
    const message = this.messages.get(key);
    if (!message || message.isUnderWay) return;
    Object.assign(message, { state: "sending", problem: null, tries: 0 });
    this.clearTimer(message.timer);
    message.timer = undefined;
    this.keep(message);
    this.onChange();
    this.sendNext();
  }

  /// Tries again at once all that is waiting: the connection is back.
  retryWaiting() {
    for (const message of this.inOrder()) if (message.state === "waiting") this.retry(message.key);
  }

  /// Takes a message out that nobody has taken; returns its text.
  discard(key) {
    const text = this.messages.get(key)?.text ?? "";
    this.storage.removeItem(PREFIX + key);
    this.forget(key);
    this.onChange();
    this.sendNext();
    return text;
  }

  /// The gateway has shown the message as taken: an answer to it was lost.
  seen(keys) {
    for (const key of keys) if (this.messages.has(key)) this.discard(key);
  }

  inOrder() {
    return [...this.messages.values()].sort((one, other) => (one.key < other.key ? -1 : 1));
  }

  keep({ key, conversation, text, model, problem }) {
    try {
      this.storage.setItem(PREFIX + key, JSON.stringify({ key, conversation, text, model, problem }));
    } catch {
      // A full or forbidden storage: then a reload loses what was not sent, as it says.
    }
  }

  read(name) {
    if (!name.startsWith(PREFIX)) return false;
    try {
      // An earlier version kept no model.
      const { key, conversation, text, model = "", problem } = JSON.parse(this.storage.getItem(name));
      if (name !== PREFIX + key || typeof text !== "string") return false;
      this.messages.set(key, { key, conversation, text, model, problem, state: problem ? "failed" : "sending", tries: 0 });
      return true;
    } catch {
      return false;
    }
  }

  forget(key) {
    this.clearTimer(this.messages.get(key)?.timer);
    this.messages.delete(key);
  }

  /// Of each conversation the first that may go.
  sendNext() {
    const busy = new Set();
    for (const message of this.inOrder()) {
      if (message.state === "failed" || busy.has(message.conversation)) continue;
      busy.add(message.conversation);
      if (message.state === "sending" && !message.isUnderWay) this.try(message);
    }
  }

  async try(message) {
    message.isUnderWay = true;
    message.tries += 1;
    try {
      const { turn } = await this.send(message);
      this.storage.removeItem(PREFIX + message.key);
      this.forget(message.key);
      this.onAccepted(message, turn);
    } catch (problem) {
      this.fail(message, problem);
    }
    message.isUnderWay = false;
    this.onChange();
    this.sendNext();
  }

  fail(message, problem) {
    if (!this.messages.has(message.key)) return;
    message.problem = problem.text ?? String(problem);
    if (problem.isLoggedOut) {
      message.state = "waiting";
      this.onLoggedOut();
    } else if (problem.isFinal) {
      message.state = "failed";
      this.keep(message);
    } else {
      const backoff = Math.min(RETRY_MS_MAX, RETRY_MS_MIN * 2 ** Math.min(message.tries - 1, 10));
      this.wait(message, Math.max(problem.retryAfterMs ?? 0, backoff * (0.75 + this.random() / 2)));
    }
  }

  wait(message, milliseconds) {
    message.state = "waiting";
    message.timer = this.setTimer(() => {
      message.state = "sending";
      message.timer = undefined;
      this.onChange();
      this.sendNext();
    }, milliseconds);
  }
}
