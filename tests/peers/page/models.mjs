// Choosing the model. ARGENTUM_VENDOR_URL is a vendor that offers `small` and `large`; until these cases add it, none is configured.

import { strict as assert } from "node:assert";

import { ask, composer, open, picture, turns, verb } from "./browser.mjs";

const { ARGENTUM_VENDOR_URL } = process.env;

const picker = (page) => page.getByRole("combobox", { name: "Model" });

/// Waits until so many turns are answered, and tells by whom.
async function answeredBy(page, count) {
  await page.locator("article.turn[data-state=answered] .note .model").nth(count - 1).waitFor();
  return page.locator(".note .model").allTextContents();
}

export const MODELS = {
  async "without a model there is nothing to choose, and the page says what to do"() {
    const page = await open();
    await page.getByText("No model configured.").waitFor();
    assert.ok(await page.getByText("argentum provider add", { exact: true }).isVisible());
    assert.ok(await picker(page).isHidden());
    await page.close();
  },

  async "a provider that is added is offered without a reload"() {
    const page = await open();
    await page.getByText("No model configured.").waitFor();
    verb("provider", "add", "acme", "--no-key", "--base-url", ARGENTUM_VENDOR_URL);
    await picker(page).waitFor();
    assert.deepEqual(await picker(page).locator("optgroup").evaluateAll((nodes) => nodes.map((node) => [node.label, [...node.children].map((option) => option.textContent)])), [["acme", ["small", "large"]]]);
    assert.equal(await picker(page).locator("option:checked").textContent(), "Choose a model");
    await picture(page, "models");
    await page.close();
  },

  async "the chosen model answers from then on, also after a reload"() {
    const page = await open();
    await picker(page).selectOption("acme/large");
    await ask(page, "To the large one");
    await answeredBy(page, 1);
    await page.reload();
    await ask(page, "To the same one");
    assert.deepEqual(await answeredBy(page, 2), ["acme/large", "acme/large"]);
    assert.equal(await picker(page).inputValue(), "acme/large");
    await picture(page, "answered-by");
    await page.close();
  },

  async "a new conversation begins with what was chosen last, and may have another model"() {
    const page = await open();
    await composer(page).waitFor();
    await page.waitForFunction(() => document.querySelector("#model").value === "acme/large");
    await ask(page, "To the large one again");
    await answeredBy(page, 1);
    await picker(page).selectOption("acme/small");
    await ask(page, "To the small one");
    assert.deepEqual(await answeredBy(page, 2), ["acme/large", "acme/small"]);
    await page.close();
  },

  async "the model is chosen with the keyboard, and a narrow page holds its list"() {
    const page = await open();
    await page.setViewportSize({ width: 390, height: 760 });
    await picker(page).focus();
    await page.keyboard.type("large");
    await page.waitForFunction(() => document.querySelector("#model").value === "acme/large");
    assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth));
    await picture(page, "models-phone");
    await page.close();
  },

  async "a model that is not configured any more is shown as missing, and the failure is said"() {
    const page = await open();
    await picker(page).selectOption("acme/large");
    await ask(page, "Before");
    await answeredBy(page, 1);
    verb("provider", "remove", "acme");
    await page.getByText("No model configured.").waitFor();
    await ask(page, "After");
    await page.locator("article.turn[data-state=failed]").getByText("is not configured any more").waitFor();
    assert.equal(await turns(page).count(), 2);
    await page.close();
  },
};
