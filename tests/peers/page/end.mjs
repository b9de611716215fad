// The last cases: they end the session, and look back.

import { strict as assert } from "node:assert";

import { address, complaints, open, picture, verb } from "./browser.mjs";

export const END = {
  async "another browser's session is listed and ended from here"() {
    const token = verb("login").split("#login=")[1];
    const login = await fetch(`${address}/api/v1/session`, { method: "POST", headers: { "Content-Type": "application/json", "User-Agent": "Another/1" }, body: JSON.stringify({ token }) });
    const headers = { cookie: login.headers.get("set-cookie").split(";")[0] };
    const theirs = async () => (await fetch(`${address}/api/v1/session`, { headers })).status;
    assert.equal(await theirs(), 204);
    const page = await open();
    await page.locator("#bundle summary").click();
    await page.getByRole("button", { name: "Sessions" }).click();
    const list = page.getByRole("dialog").getByRole("listitem");
    await list.filter({ hasText: "Another/1" }).waitFor();
    assert.ok((await list.first().textContent()).includes("this browser"));
    await picture(page, "sessions");
    await list.filter({ hasText: "Another/1" }).getByRole("button").click();
    await list.filter({ hasText: "Another/1" }).waitFor({ state: "detached" });
    assert.equal(await theirs(), 401);
    await page.keyboard.press("Escape");
    assert.ok(await page.getByRole("dialog").isHidden());
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
