// What the page promises while connections break and services die.

import { strict as assert } from "node:assert";

import { LAST_WORDS, answered, answering, answers, ask, composer, open, picture, pidOf, turns } from "./browser.mjs";

export const FAULTS = {
  async "a reload in mid-answer loses nothing"() {
    const page = await open();
    await ask(page, "Reload during this");
    await answering(page);
    await page.reload();
    await answered(page, 1);
    assert.equal(await turns(page).count(), 1);
    await page.close();
  },

  async "what is written while the router is dead is kept, sent once, answered"() {
    const page = await open();
    await composer(page).waitFor();
    process.kill(pidOf("provider-router"), "SIGKILL");
    await ask(page, "Said to nobody");
    await answered(page, 1);
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

  async "an answer goes on when the gateway is killed in the middle of it"() {
    const page = await open();
    await ask(page, "Kill the gateway");
    await answering(page);
    process.kill(pidOf("channel-gateway"), "SIGKILL");
    await answered(page, 1);
    await page.getByText("Connection lost").waitFor({ state: "detached" });
    await page.close();
  },

  async "an answer begins anew and stands there once when the router is killed in the middle of it"() {
    const page = await open();
    await ask(page, "Kill the router");
    await answering(page);
    process.kill(pidOf("provider-router"), "SIGKILL");
    await answered(page, 1);
    const text = await answers(page).first().textContent();
    assert.equal(text.split(LAST_WORDS).length, 2, text);
    assert.equal(await turns(page).count(), 1);
    await page.close();
  },

  async "a refusal is told, and the text is not lost"() {
    const page = await open();
    await composer(page).waitFor();
    const body = JSON.stringify({ error: { code: "queue-full", text: "the queue is full" } });
    await page.route("**/messages", (route) => route.fulfill({ status: 429, contentType: "application/json", headers: { "Retry-After": "5" }, body }));
    await ask(page, "Refused");
    await page.getByText("Not sent: the queue is full").waitFor();
    await picture(page, "refused");
    await page.getByRole("button", { name: "Edit" }).click();
    assert.equal(await composer(page).inputValue(), "Refused");
    assert.equal(await turns(page).count(), 0);
    await composer(page).fill("");
    await page.close();
  },
};
