// Using the page: from logging in to reading, on a desk and on a phone.

import { strict as assert } from "node:assert";

import { LAST_WORDS, address, answered, answering, answers, ask, composer, context, open, picture, turns, verb } from "./browser.mjs";
import { drawSample, growSample, turnSample } from "./samples.mjs";

export const USE = {
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

  async "what is asked meanwhile waits its turn and is answered in order"() {
    const page = await open();
    for (const text of ["First", "Second", "Third"]) await ask(page, text);
    await page.getByText("Waiting for its turn").first().waitFor();
    await picture(page, "queued");
    await answered(page, 3);
    assert.deepEqual(await page.locator(".question").allTextContents(), ["First", "Second", "Third"]);
    await page.close();
  },

  async "who reads further up is left there while an answer grows"() {
    const page = await open();
    await page.setViewportSize({ width: 1000, height: 420 });
    await ask(page, "One");
    await answered(page, 1);
    await ask(page, "Two");
    await answering(page);
    const isAtEnd = () => page.evaluate(() => { const { scrollTop, scrollHeight, clientHeight } = document.querySelector("#scroller"); return scrollHeight - scrollTop - clientHeight < 4; });
    assert.ok(await isAtEnd(), "follows the answer");
    await page.evaluate(() => { document.querySelector("#scroller").scrollTop = 0; });
    await page.getByRole("button", { name: "To the latest message" }).waitFor();
    await answered(page, 2);
    assert.equal(await page.evaluate(() => document.querySelector("#scroller").scrollTop), 0);
    await page.getByRole("button", { name: "To the latest message" }).click();
    assert.ok(await isAtEnd(), "goes to the end");
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

  async "a mark that turns the direction turns nothing, and is seen in code"() {
    const page = await open();
    await composer(page).waitFor();
    assert.deepEqual(await page.evaluate(turnSample), ["before after ", true, "item one", "in [U+202E]line", "let [U+202E]x;"]);
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

  async "a long title and a long word stick out nowhere, whatever the width"() {
    const page = await open();
    await ask(page, `Could you please tell me what the weather in the mountains will be like next weekend, and whether ${"x".repeat(82)} is a word?`);
    await page.getByRole("heading", { name: "Could you please" }).waitFor();
    await page.getByRole("navigation").getByText("Could you please").first().waitFor();
    for (const width of [320, 375, 414, 700, 840, 900, 1200]) {
      await page.setViewportSize({ width, height: 760 });
      // The right edges of what must be within reach, and of the page itself.
      const edges = () => page.evaluate(() => [
        document.documentElement.scrollWidth,
        ...["#title", ".question", "#composer", "#send"].map((name) => Math.floor(document.querySelector(name).getBoundingClientRect().right)),
      ]);
      assert.deepEqual((await edges()).filter((edge) => edge > width), [], `at ${width} px`);
      const opener = page.getByRole("button", { name: "Conversations" });
      if (!await opener.isVisible()) continue;
      await opener.click();
      assert.deepEqual((await edges()).filter((edge) => edge > width), [], `at ${width} px with the list open`);
      await page.keyboard.press("Escape");
    }
    await page.setViewportSize({ width: 375, height: 760 });
    await picture(page, "phone-long-title");
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
};
