// The page in a real browser: each case is a promise to the person in front of it. Prints one JSON line for each.
//
// Needs a running bundle: ARGENTUM_BINARY and ARGENTUM_DATA_DIR; the browser and the library that drives it:
// ARGENTUM_PEER_CHROMIUM and ARGENTUM_PEER_PLAYWRIGHT; a vendor of models at ARGENTUM_VENDOR_URL. With ARGENTUM_SCREENSHOTS it leaves pictures in that folder.

import { close, context, picture } from "./page/browser.mjs";
import { END } from "./page/end.mjs";
import { FAULTS } from "./page/faults.mjs";
import { MODELS } from "./page/models.mjs";
import { USE } from "./page/use.mjs";

const cases = { ...USE, ...FAULTS, ...MODELS, ...END };
let failed = 0;
for (const [name, run] of Object.entries(cases)) {
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
await close();
console.log(JSON.stringify({ passed: Object.keys(cases).length - failed, failed }));
process.exit(failed === 0 ? 0 : 1);
