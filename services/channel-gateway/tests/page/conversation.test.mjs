// What the page believes of a conversation, whatever arrives in which order.

import assert from "node:assert/strict";
import { test } from "node:test";

import { APPLIED, IGNORED, SNAPSHOT_WANTED, accepted, apply, createConversation, entries, isEmpty, isRunning } from "../../assets/conversation.js";

const snapshot = (parts = {}) => ({ type: "conversation", id: "c", title: "", model: "", turns: [], running: null, queued: [], ...parts });
const running = (attempt, sequence, text) => ({ turn: "t", question: "q", text, attempt, sequence });
const past = (turn, answer = "a") => ({ turn, message: `m-${turn}`, question: "q", answer, outcome: "answered", accepted_at_ms: 1, completed_at_ms: 2 });
const delta = (attempt, sequence, text = "x") => ({ type: "delta", conversation: "c", turn: "t", attempt, sequence, text });
const started = (turn = "t", attempt = 1) => ({ type: "started", conversation: "c", turn, attempt });

function told(...events) {
  const state = createConversation("c");
  const results = events.map((event) => apply(state, event));
  return { state, results };
}

test("text grows by what follows the snapshot, once", () => {
  const { state, results } = told(snapshot({ running: running(1, 2, "ab") }), delta(1, 2), delta(1, 3, "c"), delta(1, 3, "c"));
  assert.deepEqual(results, [APPLIED, IGNORED, APPLIED, IGNORED]);
  assert.equal(state.running.text, "abc");
});

test("a gap wants a snapshot and changes nothing", () => {
  const { state, results } = told(snapshot({ running: running(1, 2, "ab") }), delta(1, 4, "d"));
  assert.equal(results[1], SNAPSHOT_WANTED);
  assert.equal(state.running.text, "ab");
});

test("a higher attempt replaces the text, a lower one is late", () => {
  const { state, results } = told(snapshot({ running: running(1, 2, "ab") }), started("t", 2), delta(1, 3), delta(2, 1, "new"));
  assert.deepEqual(results.slice(1), [APPLIED, IGNORED, APPLIED]);
  assert.equal(state.running.text, "new");
});

test("a snapshot that is behind does not take text back", () => {
  const { state } = told(snapshot({ running: running(1, 1, "a") }), delta(1, 2, "b"), snapshot({ running: running(1, 1, "a") }));
  assert.equal(state.running.text, "ab");
  assert.equal(apply(state, delta(1, 3, "c")), APPLIED);
});

test("an unknown turn wants a snapshot", () => {
  assert.equal(told(snapshot(), started("other")).results[1], SNAPSHOT_WANTED);
  assert.equal(told(snapshot(), delta(1, 1)).results[1], SNAPSHOT_WANTED);
});

test("what is over stays over", () => {
  const { results } = told(snapshot({ turns: [past("t")] }), started("t"), delta(1, 9), { type: "ended", conversation: "c", turn: "t", outcome: "answered" });
  assert.deepEqual(results.slice(1), [IGNORED, IGNORED, IGNORED]);
});

test("a conversation knows its model, and each answer who gave it", () => {
  const { state } = told(snapshot({ model: "acme/m2", turns: [{ ...past("t"), model: "acme/m1" }] }));
  assert.deepEqual([state.model, entries(state).map((entry) => entry.model)], ["acme/m2", ["acme/m1"]]);
});

test("nothing was said only where nothing is past, running or waiting", () => {
  const [bare, asked, running_] = [told(snapshot()), told(snapshot()), told(snapshot({ running: running(1, 0, "") }))].map(({ state }) => state);
  accepted(asked, { turn: "t", message: "m", question: "q" });
  assert.deepEqual([bare, asked, running_].map(isEmpty), [true, false, false]);
});

test("another conversation's events change nothing", () => {
  const { results } = told({ ...snapshot(), id: "d" }, { ...started(), conversation: "d" }, { ...delta(1, 1), conversation: "d" });
  assert.deepEqual(results, [IGNORED, IGNORED, IGNORED]);
});

test("an accepted message waits, runs, ends", () => {
  const { state } = told(snapshot());
  accepted(state, { turn: "t", message: "m", question: "q" });
  accepted(state, { turn: "u", message: "n", question: "r" });
  assert.deepEqual(entries(state).map((entry) => entry.state), ["starting", "queued"]);
  assert.equal(apply(state, started()), APPLIED);
  assert.ok(isRunning(state));
  assert.deepEqual(entries(state).map((entry) => entry.state), ["running", "queued"]);
  apply(state, { type: "ended", conversation: "c", turn: "t", outcome: "stopped" });
  assert.ok(!isRunning(state));
  apply(state, snapshot({ turns: [past("t")] }));
  assert.deepEqual(entries(state).map((entry) => [entry.key, entry.state]), [["t", "answered"], ["u", "starting"]]);
});

test("a turn that begins before its message is known as accepted is running all the same", () => {
  const { state } = told(snapshot(), started());
  accepted(state, { turn: "t", message: "m", question: "q" });
  assert.equal(apply(state, delta(1, 1, "a")), APPLIED);
  assert.deepEqual(entries(state).map((entry) => [entry.state, entry.answer]), [["running", "a"]]);
});

test("an accepted message outlives a snapshot that is older than it", () => {
  const { state } = told(snapshot());
  accepted(state, { turn: "t", message: "m", question: "q" });
  apply(state, snapshot());
  assert.equal(entries(state).length, 1);
  apply(state, snapshot({ queued: [{ turn: "t", message: "m", question: "q", accepted_at_ms: 1 }] }));
  assert.equal(entries(state).length, 1);
});

test("a message that was taken is not shown as pending, too", () => {
  const { state } = told(snapshot({ turns: [past("t")] }));
  const pending = [{ key: "m-t", text: "q", state: "waiting" }, { key: "n", text: "r", state: "failed", problem: "p" }];
  assert.deepEqual(entries(state, pending).map((entry) => [entry.key, entry.state]), [["t", "answered"], ["n", "failed"]]);
});
