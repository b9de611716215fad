// The browser in which the cases run, and what they all do in it.

import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";

const { ARGENTUM_BINARY, ARGENTUM_DATA_DIR, ARGENTUM_PEER_CHROMIUM, ARGENTUM_PEER_PLAYWRIGHT, ARGENTUM_SCREENSHOTS } = process.env;
const { chromium } = createRequire(import.meta.url)(ARGENTUM_PEER_PLAYWRIGHT);
const FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];
const PATIENCE_MS = 20000;
/// How the answer of the built-in `offline` provider ends.
export const LAST_WORDS = "is found by itself.";

export const verb = (...words) => execFileSync(ARGENTUM_BINARY, [...words, "--data-dir", ARGENTUM_DATA_DIR], { encoding: "utf8" }).trim();
export const status = () => JSON.parse(verb("status", "--json"));
export const pidOf = (name) => status().services.find((service) => service.name === name).pid;

const profile = mkdtempSync(join(tmpdir(), "argentum-page-"));
export const context = await chromium.launchPersistentContext(profile, { executablePath: ARGENTUM_PEER_CHROMIUM, headless: true, args: FLAGS, viewport: { width: 1200, height: 800 } });
context.setDefaultTimeout(PATIENCE_MS);
/// What the browser found wrong: there should be nothing.
export const complaints = [];
/// Where the page is.
export const address = status().http;

export async function open(hash = "") {
  const page = await context.newPage();
  // The page asks whether it may come in, and 401, 429, 503 and none are answers that it expects.
  page.on("console", (message) => { if (message.type() === "error" && !/status of (401|429|503)|ERR_FAILED|WebSocket connection/.test(message.text())) complaints.push(message.text()); });
  page.on("pageerror", (error) => complaints.push(String(error)));
  await page.goto(`${address}/${hash}`);
  return page;
}

export const composer = (page) => page.getByRole("textbox", { name: "Message" });
export const turns = (page) => page.locator("article.turn");
export const answers = (page) => page.locator("article.turn .answer");

export async function ask(page, text) {
  await composer(page).fill(text);
  await composer(page).press("Enter");
}

export async function answered(page, count) {
  await page.locator("article.turn[data-state=answered]").nth(count - 1).waitFor();
  await page.waitForFunction((words) => [...document.querySelectorAll("article.turn[data-state=answered] .answer")].every((answer) => answer.textContent.endsWith(words)), LAST_WORDS);
}

export async function answering(page) {
  await page.waitForFunction(() => document.querySelector("article.turn[data-state=running] .answer")?.textContent.length > 20);
}

export async function picture(page, name) {
  if (ARGENTUM_SCREENSHOTS) await page.screenshot({ path: join(ARGENTUM_SCREENSHOTS, `${name}.png`) });
}

/// Ends the browser and removes what it has left.
export async function close() {
  await context.close();
  rmSync(profile, { recursive: true, force: true });
}
