// The last cases: they end the session, and look back.

import { strict as assert } from "node:assert";

import { address, complaints, context, open, picture, verb } from "./browser.mjs";

export const END = {
  async "another browser's session is listed, ended from here, and cut there"() {
    const link = verb("login");
    const other = await context.browser().newContext();
    const theirs = await other.newPage();
    await theirs.goto(`${address}/${link.slice(link.indexOf("#"))}`);
    await theirs.getByRole("textbox", { name: "Message" }).waitFor();
    const page = await open();
    await page.locator("#bundle summary").click();
    await page.getByRole("button", { name: "Sessions" }).click();
    const entries = page.getByRole("dialog").getByRole("listitem");
    await entries.nth(1).waitFor();
    const before = await entries.count();
    assert.ok((await entries.first().textContent()).includes("this browser"));
    await picture(page, "sessions");
    // The one that came last stands behind the own one.
    await entries.nth(1).getByRole("button").click();
    await page.waitForFunction((count) => document.querySelectorAll("#sessions-list li").length === count, before - 1);
    await theirs.getByText("Your session has ended.").waitFor();
    await page.keyboard.press("Escape");
    assert.ok(await page.getByRole("dialog").isHidden());
    await other.close();
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
