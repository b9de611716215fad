// A browser is told in words that its owner knows.

import assert from "node:assert/strict";
import { test } from "node:test";

import { browserOf } from "../../assets/sessions.js";

const AGENTS = [
  ["Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36", "Chrome on Linux"],
  ["Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36 Edg/140.0.0.0", "Edge on Windows"],
  ["Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Safari/605.1.15", "Safari on macOS"],
  ["Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) FxiOS/140.0 Mobile/15E148 Safari/605.1.15", "Firefox on iPhone"],
  ["Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Mobile Safari/537.36", "Chrome on Android"],
];

test("browsers are told by their own names and not by those that they carry for others", () => {
  assert.deepEqual(AGENTS.map(([agent]) => browserOf(agent)), AGENTS.map(([, name]) => name));
});

test("what is no browser is told by its own words, cut, and nothing as unknown", () => {
  assert.deepEqual([browserOf("curl/8.9.1"), browserOf(""), browserOf("x".repeat(200)).length], ["curl/8.9.1", "Unknown browser", 40]);
});
