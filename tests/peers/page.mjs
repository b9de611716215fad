// The page in a real browser: each case is a promise to the person in front of it. Prints one JSON line for each.
//
// Needs a running bundle: ARGENTUM_BINARY and ARGENTUM_DATA_DIR; the browser and the library that drives it:
// ARGENTUM_PEER_CHROMIUM and ARGENTUM_PEER_PLAYWRIGHT. With ARGENTUM_SCREENSHOTS it leaves pictures in that folder.

import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { strict as assert } from "node:assert";

import { drawSample, growSample } from "./page_samples.mjs";

const { ARGENTUM_BINARY, ARGENTUM_DATA_DIR, ARGENTUM_PEER_CHROMIUM, ARGENTUM_PEER_PLAYWRIGHT, ARGENTUM_SCREENSHOTS } = process.env;
const { chromium } = createRequire(import.meta.url)(ARGENTUM_PEER_PLAYWRIGHT);
const FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];
const PATIENCE_MS = 20000;
/// How the answer of the built-in `offline` provider ends.
const LAST_WORDS = "beyond this conversation.";

const verb = (...words) => execFileSync(ARGENTUM_BINARY, [...words, "--data-dir", ARGENTUM_DATA_DIR], { encoding: "utf8" }).trim();
const status = () => JSON.parse(verb("status", "--json"));
const pidOf = (name) => status().services.find((service) => service.name === name).pid;

const profile = mkdtempSync(join(tmpdir(), "argentum-page-"));
const context = await chromium.launchPersistentContext(profile, { executablePath: ARGENTUM_PEER_CHROMIUM, headless: true, args: FLAGS, viewport: { width: 1200, height: 800 } });
context.setDefaultTimeout(PATIENCE_MS);
const complaints = [];
let address;

async function open(hash = "") {
  const page = await context.newPage();
  // The page asks whether it may come in, and 401, 503 and none are answers that it expects.
  page.on("console", (message) => { if (message.type() === "error" && !/status of (401|503)|ERR_FAILED|WebSocket connection/.test(message.text())) complaints.push(message.text()); });
  page.on("pageerror", (error) => complaints.push(String(error)));
  await page.goto(`${address}/${hash}`);
  return page;
}

const composer = (page) => page.getByRole("textbox", { name: "Message" });
const turns = (page) => page.locator("article.turn");
const answers = (page) => page.locator("article.turn .answer");

async function ask(page, text) {
  await composer(page).fill(text);
  await composer(page).press("Enter");
}

async function answered(page, count) {
  await page.locator("article.turn[data-state=answered]").nth(count - 1).waitFor();
  await page.waitForFunction((words) => [...document.querySelectorAll("article.turn[data-state=answered] .answer")].every((answer) => answer.textContent.endsWith(words)), LAST_WORDS);
}

async function answering(page) {
  await page.waitForFunction(() => document.querySelector("article.turn[data-state=running] .answer")?.textContent.length > 20);
}

async function picture(page, name) {
  if (ARGENTUM_SCREENSHOTS) await page.screenshot({ path: join(ARGENTUM_SCREENSHOTS, `${name}.png`) });
}

const CASES = {
  async "without a session the page tells only how to log in"() {
    const page = await open();
    await page.getByText("argentum login", { exact: true }).waitFor();
    assert.ok(await page.locator("#app").isHidden());
    const answer = await page.request.get(`${address}/api/v1/conversations`);
    assert.equal(answer.status(), 401);
    assert.equal((await answer.json()).error.code, "unauthenticated");
    await picture(page, "login");
    await page.close();
  },

  async "a link logs in once and leaves no secret in the address"() {
    const link = verb("login");
    const hash = link.slice(link.indexOf("#"));
    const page = await open(hash);
    await composer(page).waitFor();
    assert.ok(!page.url().includes("login"));
    await page.getByText("What is on your mind?").waitFor();
    await picture(page, "empty");
    const session = (await context.cookies()).find((cookie) => cookie.httpOnly && cookie.sameSite === "Strict");
    assert.ok(session, "no session cookie");
    await context.clearCookies();
    const again = await open(hash);
    await again.getByText("has been used or has expired").waitFor();
    await context.addCookies([session]);
    await page.close();
    await again.close();
  },

  async "a question is answered while one reads along"() {
    const page = await open();
    await composer(page).fill("What is on the way?");
    await composer(page).press("Shift+Enter");
    assert.ok((await composer(page).inputValue()).endsWith("\n"));
    await composer(page).press("Enter");
    await answering(page);
    await picture(page, "streaming");
    await answered(page, 1);
    assert.equal(await turns(page).count(), 1);
    await page.getByRole("navigation").getByText("What is on the way?").first().waitFor();
    await picture(page, "answered");
    await page.close();
  },

  async "Stop keeps the text so far"() {
    const page = await open();
    await ask(page, "Stop this");
    await answering(page);
    await page.getByRole("button", { name: "Stop the answer" }).click();
    await page.locator("article.turn[data-state=stopped]").waitFor();
    const text = await answers(page).first().textContent();
    assert.ok(text.length > 20 && !text.endsWith(LAST_WORDS), text);
    assert.ok(await page.getByRole("button", { name: "Stop the answer" }).isHidden());
    await page.close();
  },

  async "a reload in mid-answer loses nothing"() {
    const page = await open();
    await ask(page, "Reload during this");
    await answering(page);
    await page.reload();
    await answered(page, 1);
    assert.equal(await turns(page).count(), 1);
    await page.close();
  },

  async "two tabs show the same"() {
    const page = await open();
    await ask(page, "Said in one tab");
    await answering(page);
    const other = await open(new URL(page.url()).hash);
    await answered(other, 1);
    await answered(page, 1);
    await ask(other, "Said in the other");
    await answered(page, 2);
    assert.deepEqual(await answers(page).allTextContents(), await answers(other).allTextContents());
    await page.close();
    await other.close();
  },

  async "what is written while the router is dead is kept, sent once, answered"() {
    const page = await open();
    await answeredAfterDeath(page);
    assert.equal(await turns(page).count(), 1);
    assert.deepEqual(await page.evaluate(() => Object.keys(localStorage).filter((key) => key.includes("outbox"))), []);
    await page.close();
  },

  async "what is written while nobody can be reached outlives a reload"() {
    const page = await open();
    await composer(page).waitFor();
    await page.route("**/messages", (route) => route.abort());
    await ask(page, "Written offline");
    await page.getByText("Not sent yet").waitFor();
    await picture(page, "waiting");
    await page.reload();
    await page.getByText("Not sent yet").waitFor();
    await page.unroute("**/messages");
    await page.getByRole("button", { name: "Try now" }).click();
    await answered(page, 1);
    assert.equal(await turns(page).count(), 1);
    await page.close();
  },

  async "the page comes back by itself when the gateway was killed"() {
    const page = await open();
    await composer(page).waitFor();
    process.kill(pidOf("channel-gateway"), "SIGKILL");
    await ask(page, "Said during the restart");
    await answered(page, 1);
    assert.equal(await turns(page).count(), 1);
    await page.close();
  },

  async "what is typed is text, and what is begun outlives a reload"() {
    const page = await open();
    await ask(page, "<img src=x onerror=alert(1)> & <b>bold</b>");
    await answered(page, 1);
    assert.equal(await page.locator(".question").textContent(), "<img src=x onerror=alert(1)> & <b>bold</b>");
    await composer(page).fill("half a thought");
    await page.reload();
    await page.waitForFunction(() => document.querySelector("#composer-text").value === "half a thought");
    await page.close();
  },

  async "Markdown is drawn and brings nothing in"() {
    const page = await open();
    await composer(page).waitFor();
    await page.evaluate(drawSample);
    const found = await page.evaluate(() => ({
      foreign: document.querySelectorAll("#sample :is(script, img, iframe, style, [onclick], [style])").length,
      links: [...document.querySelectorAll("#sample a")].map((link) => [link.href, link.rel]),
      code: document.querySelector("#sample pre").textContent,
    }));
    assert.deepEqual(found.links, [["https://example.org/", "noopener noreferrer"]]);
    assert.deepEqual([found.foreign, found.code], [0, "fn main() {\n    println!(\"<b>\");\n}"]);
    await picture(page, "markdown");
    assert.deepEqual(await page.evaluate(growSample), [true, "let x = 1;\nlet y", 3]);
    await page.emulateMedia({ colorScheme: "dark" });
    await picture(page, "markdown-dark");
    await page.close();
  },

  async "on a phone the list is a drawer and nothing sticks out"() {
    const page = await open();
    await page.setViewportSize({ width: 390, height: 760 });
    await ask(page, "On the phone");
    await answered(page, 1);
    assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth));
    await picture(page, "phone");
    await page.getByRole("button", { name: "Conversations" }).click();
    await page.getByRole("navigation").getByText("On the phone").first().waitFor();
    await page.waitForFunction(() => document.querySelector("#sidebar").getBoundingClientRect().left >= -0.5);
    await picture(page, "phone-drawer");
    await page.keyboard.press("Escape");
    assert.equal(await page.evaluate(() => document.activeElement.id), "sidebar-open");
    await page.close();
  },

  async "the keyboard reaches everything in order"() {
    const page = await open();
    await page.waitForFunction(() => document.activeElement.id === "composer-text");
    await composer(page).fill("x");
    await page.keyboard.press("Tab");
    assert.equal(await page.evaluate(() => document.activeElement.id), "send");
    const unnamed = await page.evaluate(() => [...document.querySelectorAll("button, a, textarea, select, input")].filter((element) => {
      const label = element.labels?.[0]?.textContent ?? element.getAttribute("aria-label") ?? element.textContent;
      return label.trim() === "";
    }).map((element) => element.outerHTML));
    assert.deepEqual(unnamed, []);
    await composer(page).fill("");
    await page.close();
  },

  async "logging out ends the session"() {
    const page = await open();
    await page.locator("#bundle summary").click();
    await picture(page, "services");
    await page.getByRole("button", { name: "Log out" }).click();
    await page.getByText("You have logged out.").waitFor();
    assert.equal((await page.request.get(`${address}/api/v1/session`)).status(), 401);
    await page.close();
  },

  async "the browser had nothing to complain about"() {
    assert.deepEqual(complaints, []);
  },
};

async function answeredAfterDeath(page) {
  await composer(page).waitFor();
  process.kill(pidOf("provider-router"), "SIGKILL");
  await ask(page, "Said to nobody");
  await answered(page, 1);
}

let failed = 0;
address = status().http;
for (const [name, run] of Object.entries(CASES)) {
  const began = performance.now();
  try {
    await run();
    console.log(JSON.stringify({ case: name, passed: true, ms: Math.round(performance.now() - began) }));
  } catch (error) {
    failed += 1;
    console.log(JSON.stringify({ case: name, passed: false, error: String(error.stack ?? error).slice(0, 1500) }));
    await picture(context.pages().at(-1), `failed-${failed}`).catch(() => {});
    await Promise.all(context.pages().slice(1).map((page) => page.close()));
  }
}
await context.close();
rmSync(profile, { recursive: true, force: true });
console.log(JSON.stringify({ passed: Object.keys(CASES).length - failed, failed }));
process.exit(failed === 0 ? 0 : 1);
