// The page's life: log in, then the workspace, and from the beginning when the session has ended.

import { isLoggedIn } from "./api.js";
import { startApp } from "./app.js";
import { byId, setText } from "./dom.js";
import { showLogin, swap, tokenIn } from "./login.js";
import { applyTheme } from "./theme.js";

const RETRY_MS = 1500;
const NOTICE = "argentum.notice";

/// Waits until somebody answers whether this browser is logged in.
async function askUntilAnswered() {
  for (;;) {
    try {
      return await isLoggedIn();
    } catch (problem) {
      byId("login").hidden = false;
      setText(byId("login-problem"), `${problem.text} Trying again.`);
      await new Promise((resolve) => { setTimeout(resolve, RETRY_MS); });
    }
  }
}

/// What the page before this one had to say.
function takeNotice() {
  const notice = sessionStorage.getItem(NOTICE) ?? "";
  sessionStorage.removeItem(NOTICE);
  return notice;
}

/// Begins anew: nothing of the ended session stays in the page.
function restart(notice) {
  sessionStorage.setItem(NOTICE, notice);
  location.reload();
}

async function live() {
  applyTheme();
  let notice = takeNotice();
  const token = tokenIn(location.hash);
  if (token) notice = await swap(token);
  if (!(await askUntilAnswered())) await showLogin(notice);
  byId("login").hidden = true;
  byId("app").hidden = false;
  startApp(restart);
}

live();
