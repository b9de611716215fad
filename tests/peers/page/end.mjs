// The last cases: they end the session, and look back.

import { strict as assert } from "node:assert";

import { address, complaints, open, picture } from "./browser.mjs";

export const END = {
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
