// Logging in: by the link that `argentum login` prints, whose secret stands behind the `#`.

import { logIn } from "./api.js";
import { byId, copyText, setText } from "./dom.js";

const TEXT = "To use this page, run this command on the machine where Argentum runs, and open the link that it prints:";

/// The secret of a login link in `text`, which may be the whole address or what stands behind its `#`.
export function tokenIn(text) {
  return /(?:^|#)login=([\w-]+)\s*$/.exec(text.trim())?.[1] ?? null;
}

/// Shows how to log in; resolves once it has worked.
export function showLogin(problem = "") {
  byId("app").hidden = true;
  byId("login").hidden = false;
  document.title = "Log in · Argentum";
  setText(byId("login-text"), TEXT);
  setText(byId("login-problem"), problem);
  byId("login-copy").onclick = (event) => copyText("argentum login", event.currentTarget);
  return new Promise((resolve) => {
    byId("login-form").onsubmit = async (event) => {
      event.preventDefault();
      await tryLink(byId("login-link").value, resolve);
    };
    // A link opened in this very tab changes only what stands behind the `#`.
    addEventListener("hashchange", () => {
      if (tokenIn(location.hash)) tryLink(location.hash, resolve);
    });
  });
}

async function tryLink(text, onLoggedIn) {
  const token = tokenIn(text);
  const problem = token ? await swap(token) : "That is not a login link: it ends in #login= and a secret.";
  setText(byId("login-problem"), problem);
  if (problem) return;
  byId("login-link").value = "";
  onLoggedIn();
}

/// Swaps the secret for a session; returns why it did not work, else an empty text.
export async function swap(token) {
  forgetToken();
  try {
    await logIn(token);
    return "";
  } catch (problem) {
    return problem.text;
  }
}

/// Takes the secret out of the address and the history.
function forgetToken() {
  if (tokenIn(location.hash)) history.replaceState(null, "", location.pathname);
}
