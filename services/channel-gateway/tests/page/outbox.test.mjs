// What was written is kept until it is taken, and taken under one key.

import assert from "node:assert/strict";
import { test } from "node:test";
import { webcrypto } from "node:crypto";

import { Outbox } from "../../assets/outbox.js";
import { isUlid, timeOf, ulid } from "../../assets/ulid.js";

// Node 18 lacks what every browser has.
globalThis.crypto ??= webcrypto;

/// A browser's storage: its keys are its properties.
class Storage {
  getItem(key) { return Object.hasOwn(this, key) ? this[key] : null; }
  setItem(key, value) { this[key] = value; }
  removeItem(key) { delete this[key]; }
}

/// An outbox whose gateway answers as `answers` say, one after the other; then it takes everything.
function outbox(answers = [], storage = new Storage()) {
  const log = { sent: [], models: [], accepted: [], timers: [], loggedOut: 0 };
  const box = new Outbox({
    storage,
    send: async (message) => {
      log.sent.push(message.key);
      log.models.push(message.model);
      const answer = answers.shift() ?? {};
      if (answer instanceof Promise) return answer;
      if (answer.text) throw answer;
      return { turn: `turn of ${message.key}` };
    },
    onAccepted: (message) => log.accepted.push(message.text),
    onChange: () => {},
    onLoggedOut: () => { log.loggedOut += 1; },
    setTimer: (run, milliseconds) => log.timers.push({ run, milliseconds }),
    clearTimer: () => {},
    random: () => 0.5,
  });
  return { box, log, storage };
}

const settled = () => new Promise((resolve) => setImmediate(resolve));
const unavailable = { text: "unavailable", isFinal: false };

test("a message that is taken is forgotten", async () => {
  const { box, log, storage } = outbox();
  box.add("c", "hello");
  assert.equal(Object.keys(storage).length, 1);
  await settled();
  assert.deepEqual([log.accepted, Object.keys(storage).length, box.of("c").length], [["hello"], 0, 0]);
});

test("every try has the same key", async () => {
  const { box, log } = outbox([unavailable, unavailable]);
  box.add("c", "hello");
  for (let turn = 0; turn < 3; turn += 1) {
    await settled();
    log.timers.shift()?.run();
  }
  await settled();
  assert.equal(log.sent.length, 3);
  assert.equal(new Set(log.sent).size, 1);
  assert.deepEqual(log.accepted, ["hello"]);
});

test("tries become rarer and heed what the gateway says", async () => {
  const { box, log } = outbox([unavailable, unavailable, { ...unavailable, retryAfterMs: 60000 }]);
  box.add("c", "hello");
  for (let turn = 0; turn < 3; turn += 1) {
    await settled();
    log.timers.at(-1).run();
  }
  assert.deepEqual(log.timers.map((timer) => timer.milliseconds), [1000, 2000, 60000]);
});

test("a message that was kept for later names the model that it was written to", async () => {
  const { box, storage } = outbox([new Promise(() => {})]);
  box.add("c", "hello", "acme/m1");
  await settled();
  const next = outbox([], storage);
  next.box.resume();
  await settled();
  assert.deepEqual(next.log.models, ["acme/m1"]);
});

test("a reload keeps the message and its key", async () => {
  const never = new Promise(() => {});
  const { box, log, storage } = outbox([never]);
  const key = box.add("c", "hello");
  const next = outbox([], storage);
  next.box.resume();
  await settled();
  assert.deepEqual([log.sent, next.log.sent, next.log.accepted], [[key], [key], ["hello"]]);
});

test("messages of a conversation go one after the other, those of others do not wait", async () => {
  let answer;
  const { box, log } = outbox([new Promise((resolve) => { answer = resolve; })]);
  const [first, second, other] = [box.add("c", "1"), box.add("c", "2"), box.add("d", "3")];
  await settled();
  assert.deepEqual(log.sent, [first, other]);
  answer({ turn: "t" });
  await settled();
  assert.deepEqual(log.sent, [first, other, second]);
});

test("a refusal is shown, is not repeated by itself and holds up nothing", async () => {
  const { box, log } = outbox([{ text: "too long", isFinal: true }]);
  const first = box.add("c", "1");
  await settled();
  box.add("c", "2");
  await settled();
  assert.deepEqual([box.of("c").map((message) => [message.state, message.problem]), log.timers.length, log.accepted], [[["failed", "too long"]], 0, ["2"]]);
  box.retry(first);
  await settled();
  assert.deepEqual(log.accepted, ["2", "1"]);
});

test("a refusal outlives a reload", async () => {
  const { box, storage } = outbox([{ text: "too long", isFinal: true }]);
  box.add("c", "1");
  await settled();
  const next = outbox([], storage);
  next.box.resume();
  await settled();
  assert.deepEqual([next.box.of("c")[0].state, next.log.sent.length], ["failed", 0]);
});

test("logged out, a message waits for the next login", async () => {
  const { box, log } = outbox([{ text: "log in", isFinal: false, isLoggedOut: true }]);
  box.add("c", "1");
  await settled();
  assert.deepEqual([log.loggedOut, log.timers.length, box.of("c").length], [1, 0, 1]);
  box.retryWaiting();
  await settled();
  assert.deepEqual(log.accepted, ["1"]);
});

test("another tab's message is shown, and taken over when that tab does not bring it through", async () => {
  const { box, log, storage } = outbox();
  const key = ulid();
  storage.setItem(`argentum.outbox.${key}`, JSON.stringify({ key, conversation: "c", text: "theirs", problem: null }));
  box.observe(`argentum.outbox.${key}`);
  assert.deepEqual([box.of("c")[0].state, log.sent.length], ["waiting", 0]);
  log.timers[0].run();
  await settled();
  assert.deepEqual(log.accepted, ["theirs"]);
});

test("what another tab brought through is gone", () => {
  const { box, storage } = outbox([new Promise(() => {})]);
  const key = box.add("c", "1");
  storage.removeItem(`argentum.outbox.${key}`);
  box.observe(`argentum.outbox.${key}`);
  assert.equal(box.of("c").length, 0);
});

test("damage in the storage is passed over", () => {
  const storage = new Storage();
  storage.setItem("argentum.outbox.x", "{");
  storage.setItem("other", "1");
  const { box } = outbox([], storage);
  box.resume();
  assert.equal(box.inOrder().length, 0);
});

test("a ULID holds its time and sorts by it", () => {
  const [early, late] = [ulid(1_800_000_000_000), ulid(1_800_000_000_001)];
  assert.ok(isUlid(early) && early < late);
  assert.equal(timeOf(early), 1_800_000_000_000);
  assert.ok(!isUlid("8".repeat(26)) && !isUlid("0".repeat(25)) && !isUlid("I".repeat(26)));
});
