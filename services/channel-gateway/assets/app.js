// The workspace: brings events, the outbox and the views together.

import { isLoggedIn, listModels, logOut, sendMessage, stopTurn } from "./api.js";
import { showBundle, showUnreachable } from "./bundle.js";
import { Composer } from "./composer.js";
import { APPLIED, SNAPSHOT_WANTED, accepted, apply, createConversation, entries, isEmpty, isRunning } from "./conversation.js";
import { announce, byId, setText } from "./dom.js";
import { Events } from "./events.js";
import { ModelChoice, groups } from "./models.js";
import { Outbox } from "./outbox.js";
import { Picker } from "./picker.js";
import { Sessions } from "./sessions.js";
import { Sidebar, showTitle } from "./sidebar.js";
import { Transcript } from "./transcript.js";
import { isUlid, ulid } from "./ulid.js";

/// A lost connection is mentioned only when it lasts.
const MENTION_MS = 700;
/// What a snapshot was asked for is asked again at most this often.
const REFRESH_MS = 500;
/// The models are read anew at most this often.
const LOOK_MS = 1000;

/// Runs until the session ends; `onEnd` gets what is to be said about it.
export function startApp(onEnd) {
  new App(onEnd).start();
}

class App {
  constructor(onEnd) {
    this.onEnd = onEnd;
    this.conversations = [];
    this.conversation = createConversation("");
    this.outbox = new Outbox({
      storage: localStorage,
      send: sendMessage,
      onAccepted: (message, turn) => this.accepted(message, turn),
      onChange: () => this.show(),
      onLoggedOut: () => this.end("Your session has ended. What you have written is kept."),
    });
    this.transcript = new Transcript({
      onRetry: (key) => this.outbox.retry(key),
      onDiscard: (key) => this.outbox.discard(key),
      onEdit: (key) => this.composer.put(this.outbox.discard(key)),
    });
    this.composer = new Composer({ onSend: (text) => this.send(text), onStop: () => this.stop() });
    this.choice = new ModelChoice({ local: localStorage, session: sessionStorage });
    this.picker = new Picker({ onChoose: (name) => this.choose(name), onLook: () => this.look() });
    new Sessions({ onEnd: () => this.end("You have logged out.") });
    this.sidebar = new Sidebar({ onNew: () => this.begin(ulid()) });
  }

  start() {
    this.events = new Events({
      url: `${location.origin.replace(/^http/, "ws")}/api/v1/events`,
      onEvent: (event) => this.take(event),
      onState: (state) => this.showConnection(state),
      isAllowed: isLoggedIn,
      onRefused: () => this.end("Your session has ended."),
    });
    addEventListener("hashchange", () => this.route());
    addEventListener("storage", (event) => this.outbox.observe(event.key));
    addEventListener("online", () => this.events.hurry());
    document.addEventListener("visibilitychange", () => { if (!document.hidden) this.comeBack(); });
    byId("log-out").addEventListener("click", () => this.logOut());
    this.route();
    this.outbox.resume();
    this.show();
  }

  comeBack() {
    this.events.hurry();
    // Whoever was told how to add a model may have done so.
    if (groups(this.choice.models ?? []).length === 0) this.look();
  }

  end(text) {
    this.events.close();
    this.onEnd(text);
  }

  /// Opens what the address names; without one, a new conversation.
  route() {
    const named = /^#c=(\w+)$/.exec(location.hash)?.[1];
    const id = named && isUlid(named) ? named : ulid();
    if (id === this.conversation.id) return;
    if (id !== named) history.replaceState(null, "", `#c=${id}`);
    this.conversation = createConversation(id);
    this.isNew = id !== named || id === this.begun;
    this.choice.open(id);
    this.transcript.clear();
    this.composer.open(id);
    this.events.watch(id);
    this.show();
    this.composer.focus();
  }

  begin(id) {
    const isBare = this.conversation.isLoaded && entries(this.conversation, this.outbox.of(this.conversation.id)).length === 0;
    if (isBare) return this.composer.focus();
    this.begun = id;
    location.hash = `#c=${id}`;
  }

  take(event) {
    switch (event.type) {
      case "bundle": return showBundle(event);
      case "models":
        this.choice.models = event.models;
        return this.showChoice();
      case "conversations":
        this.conversations = event.conversations;
        return this.showList();
      default: return this.takeProgress(event);
    }
  }

  takeProgress(event) {
    const result = apply(this.conversation, event);
    if (result === SNAPSHOT_WANTED) this.refresh();
    if (event.type === "conversation" && result === APPLIED) {
      this.outbox.seen([...event.turns, ...event.queued].map((turn) => turn.message));
      this.announceOutcome(event.turns.at(-1));
    }
    if (event.type === "started" && result === APPLIED) announce("The answer begins");
    this.show();
  }

  /// Tells screen readers the whole answer once it is complete, instead of every piece.
  announceOutcome(last) {
    const isNews = this.lastTold !== undefined && last && last.turn !== this.lastTold && this.lastConversation === this.conversation.id;
    if (isNews) announce(`${last.outcome === "answered" ? "Answer" : last.outcome}: ${last.answer}`);
    this.lastTold = last?.turn ?? "";
    this.lastConversation = this.conversation.id;
  }

  refresh() {
    const now = performance.now();
    if (this.refreshTimer !== undefined) return;
    const pause = Math.max(0, (this.refreshedAt ?? 0) + REFRESH_MS - now);
    this.refreshTimer = setTimeout(() => {
      this.refreshTimer = undefined;
      this.refreshedAt = performance.now();
      this.events.refresh();
    }, pause);
  }

  send(text) {
    this.outbox.add(this.conversation.id, text, this.choice.take());
    this.transcript.toEnd();
  }

  accepted({ conversation, key, text }, turn) {
    if (conversation === this.conversation.id) accepted(this.conversation, { turn, message: key, question: text });
  }

  choose(name) {
    this.choice.choose(name);
    this.showChoice();
  }

  /// Reads the models anew: servers of models come and go.
  async look() {
    const isSoon = performance.now() < (this.lookedAt ?? -LOOK_MS) + LOOK_MS;
    if (this.isLooking || isSoon) return;
    this.isLooking = true;
    try {
      this.choice.models = (await listModels()).models;
    } catch (problem) {
      // What was told before stands.
      if (problem.isLoggedOut) this.end("Your session has ended.");
    }
    this.isLooking = false;
    this.lookedAt = performance.now();
    this.showChoice();
  }

  async stop() {
    byId("stop").disabled = true;
    try {
      await stopTurn(this.conversation.id);
    } catch (problem) {
      setText(byId("connection"), `Not stopped: ${problem.text}`);
    }
    byId("stop").disabled = false;
  }

  async logOut() {
    try {
      await logOut();
    } catch (problem) {
      if (!problem.isLoggedOut) return setText(byId("connection"), `Not logged out: ${problem.text}`);
    }
    this.end("You have logged out.");
  }

  show() {
    const shown = entries(this.conversation, this.outbox.of(this.conversation.id));
    this.transcript.show(shown);
    const isBare = shown.length === 0 && (this.conversation.isLoaded || this.isNew);
    byId("welcome").hidden = !isBare;
    this.composer.showRunning(isRunning(this.conversation));
    this.showChoice();
    this.showList();
  }

  showChoice() {
    const isKnown = this.conversation.isLoaded || this.isNew;
    this.choice.learn({ named: this.conversation.model, isNew: isKnown && isEmpty(this.conversation) });
    this.picker.show(this.choice);
  }

  showList() {
    const { id, title } = this.conversation;
    const known = this.conversations.find((conversation) => conversation.id === id);
    showTitle(title || known?.title || "");
    const list = JSON.stringify([this.conversations, id]);
    if (list === this.shownList) return;
    this.shownList = list;
    this.sidebar.show(this.conversations, id);
  }

  showConnection(state) {
    clearTimeout(this.mention);
    if (state === "open") {
      setText(byId("connection"), "");
      this.outbox.retryWaiting();
      return;
    }
    this.mention = setTimeout(() => {
      setText(byId("connection"), "Connection lost. Trying again.");
      showUnreachable();
    }, MENTION_MS);
  }
}
