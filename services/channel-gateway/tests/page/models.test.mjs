// Which model is meant, whatever was chosen where.

import assert from "node:assert/strict";
import { test } from "node:test";

import { ModelChoice, answeredBy, groups } from "../../assets/models.js";

class Storage {
  getItem(key) { return Object.hasOwn(this, key) ? this[key] : null; }
  setItem(key, value) { this[key] = value; }
  removeItem(key) { delete this[key]; }
}

const forbidden = { getItem() { throw new Error("forbidden"); }, setItem() { throw new Error("forbidden"); }, removeItem() { throw new Error("forbidden"); } };
const model = (name, isDefault = false) => ({ name, provider: name.split("/")[0], is_default: isDefault });
const MODELS = [model("acme/small", true), model("acme/large"), model("ollama/hf.co/x/y:q4")];

/// A choice that stands in conversation `c`.
function standing({ named = "", isNew = false, models = MODELS, local = new Storage(), session = new Storage() } = {}) {
  const choice = new ModelChoice({ local, session });
  choice.models = models;
  choice.open("c");
  choice.learn({ named, isNew });
  return choice;
}

test("models stand under their provider, in the order in which they are told", () => {
  const shown = groups([model("b/1"), model("a/1"), model("b/2", true)]).map(({ provider, models }) => [provider, models.map((one) => one.label)]);
  assert.deepEqual(shown, [["b", ["1", "2"]], ["a", ["1"]]]);
});

test("a model keeps the slashes of its own name", () => {
  assert.equal(groups(MODELS)[1].models[0].label, "hf.co/x/y:q4");
});

test("the built-in provider is nothing to choose and has answered nothing", () => {
  assert.deepEqual(groups([model("offline/offline", true)]), []);
  assert.deepEqual([answeredBy("offline/offline"), answeredBy("acme/small"), answeredBy("")], ["no model", "acme/small", ""]);
});

test("where nobody chose the default one is meant, and none is named", () => {
  const choice = standing();
  assert.deepEqual([choice.meant(), choice.take()], ["acme/small", ""]);
});

test("a conversation's model is meant, and need not be named again", () => {
  const choice = standing({ named: "acme/large" });
  assert.deepEqual([choice.meant(), choice.take()], ["acme/large", ""]);
});

test("what is chosen is named until the conversation has it", () => {
  const choice = standing({ named: "acme/small" });
  choice.choose("acme/large");
  assert.deepEqual([choice.take(), choice.take()], ["acme/large", "acme/large"]);
  choice.learn({ named: "acme/large", isNew: false });
  assert.deepEqual([choice.meant(), choice.take()], ["acme/large", ""]);
});

test("a choice that is over does not hide what another tab chose later", () => {
  const choice = standing({ named: "acme/small" });
  choice.choose("acme/large");
  choice.learn({ named: "acme/large", isNew: false });
  choice.learn({ named: "ollama/hf.co/x/y:q4", isNew: false });
  assert.equal(choice.meant(), "ollama/hf.co/x/y:q4");
});

test("choosing the conversation's model again takes a choice back", () => {
  const choice = standing({ named: "acme/small" });
  choice.choose("acme/large");
  choice.choose("acme/small");
  assert.deepEqual([choice.meant(), choice.take()], ["acme/small", ""]);
});

test("a choice outlives a reload of the tab", () => {
  const session = new Storage();
  standing({ named: "acme/small", session }).choose("acme/large");
  assert.equal(standing({ named: "acme/small", session }).meant(), "acme/large");
});

test("a choice is one conversation's", () => {
  const choice = standing({ named: "acme/small" });
  choice.choose("acme/large");
  choice.open("d");
  choice.learn({ named: "acme/small", isNew: false });
  assert.equal(choice.meant(), "acme/small");
});

test("a new conversation begins with what was chosen last, and names it", () => {
  const local = new Storage();
  standing({ named: "acme/small", local }).choose("acme/large");
  const choice = standing({ isNew: true, local });
  assert.deepEqual([choice.meant(), choice.take()], ["acme/large", "acme/large"]);
});

test("what a new conversation began with stays meant while its first message is on the way", () => {
  const local = new Storage();
  standing({ named: "acme/small", local }).choose("acme/large");
  const choice = standing({ isNew: true, local });
  choice.take();
  choice.learn({ named: "", isNew: false });
  assert.equal(choice.meant(), "acme/large");
});

test("an old conversation without a model does not begin with what was chosen last", () => {
  const local = new Storage();
  standing({ named: "acme/small", local }).choose("acme/large");
  assert.equal(standing({ local }).meant(), "acme/small");
});

test("a new conversation does not begin with what is not there any more", () => {
  const local = new Storage();
  local.setItem("argentum.model", "gone/m1");
  const choice = standing({ isNew: true, local });
  assert.deepEqual([choice.meant(), choice.take()], ["acme/small", ""]);
});

test("a conversation's model is meant also where nobody offers it now", () => {
  const choice = standing({ named: "gone/m1" });
  assert.deepEqual([choice.meant(), choice.isOffered("gone/m1")], ["gone/m1", false]);
});

test("nothing is meant where models are offered and none is the default one", () => {
  const choice = standing({ isNew: true, models: [model("offline/offline", true), model("acme/small")] });
  assert.deepEqual([choice.meant(), choice.take()], ["", ""]);
});

test("nothing is meant where nobody told the models", () => {
  const choice = standing({ isNew: true, models: null });
  assert.deepEqual([choice.meant(), choice.take()], ["", ""]);
});

test("where the browser keeps nothing a choice lasts as long as the page", () => {
  const choice = standing({ named: "acme/small", local: forbidden, session: forbidden });
  choice.choose("acme/large");
  assert.deepEqual([choice.meant(), choice.take()], ["acme/large", "acme/large"]);
  choice.learn({ named: "acme/large", isNew: false });
  assert.equal(choice.take(), "");
});
