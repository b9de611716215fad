// Who is logged in, and how to put them out.

import { endSession, listSessions } from "./api.js";
import { announce, byId, h, setText } from "./dom.js";

/// The first that fits: others call themselves by these names, too.
const BROWSERS = [["Edge", /\bEdg(?:A|iOS)?\//], ["Opera", /\bOPR\//], ["Samsung Internet", /\bSamsungBrowser\//], ["Firefox", /\b(?:Firefox|FxiOS)\//], ["Chrome", /\b(?:Chrome|CriOS|HeadlessChrome)\//], ["Safari", /\bSafari\//]];
const SYSTEMS = [["Android", /\bAndroid\b/], ["iPhone", /\biPhone\b/], ["iPad", /\biPad\b/], ["Windows", /\bWindows\b/], ["macOS", /\bMac OS X\b/], ["ChromeOS", /\bCrOS\b/], ["Linux", /\bLinux\b/]];

/// A browser in the words of its owner, by what it calls itself.
export function browserOf(agent) {
  const find = (names) => names.find(([, pattern]) => pattern.test(agent))?.[0];
  const [browser, system] = [find(BROWSERS), find(SYSTEMS)];
  if (browser && system) return `${browser} on ${system}`;
  return browser ?? system ?? (agent.slice(0, 40) || "Unknown browser");
}

export class Sessions {
  /// `onEnd()` when the own session has ended.
  constructor({ onEnd }) {
    this.onEnd = onEnd;
    this.dialog = byId("sessions");
    byId("sessions-open").onclick = () => this.open();
    byId("sessions-close").onclick = () => this.dialog.close();
    // Escape closes the dialog, and not what is behind it, too.
    this.dialog.onkeydown = (event) => { if (event.key === "Escape") event.stopPropagation(); };
  }

  open() {
    byId("sessions-list").replaceChildren();
    this.dialog.showModal();
    this.read();
  }

  async read() {
    try {
      const { sessions } = await listSessions();
      byId("sessions-list").replaceChildren(...sessions.map((session) => this.entry(session)));
      setText(byId("sessions-problem"), "");
    } catch (problem) {
      this.fail(problem, "Not read");
    }
  }

  entry(session) {
    const { agent, began_ms: began, used_ms: used, is_current: isCurrent } = session;
    const name = browserOf(agent);
    const here = isCurrent ? h("span", { class: "here" }, "this browser") : null;
    const times = `Since ${moment(began)}, last used ${moment(used)}`;
    const end = h("button", { type: "button", class: "quiet", "aria-label": `End: ${name}, since ${moment(began)}`, onclick: () => this.end(session) }, isCurrent ? "Log out" : "End");
    return h("li", {}, h("div", {}, h("p", { title: agent }, name, here), h("p", { class: "faint" }, times)), end);
  }

  async end({ id, is_current: isCurrent }) {
    try {
      await endSession(id);
    } catch (problem) {
      // Somebody else was faster: the list tells.
      if (problem.status !== 404) return this.fail(problem, "Not ended");
    }
    if (isCurrent) return this.onEnd();
    announce("The session has ended");
    await this.read();
    byId("sessions-close").focus();
  }

  fail(problem, what) {
    if (problem.isLoggedOut) return this.onEnd();
    setText(byId("sessions-problem"), `${what}: ${problem.text}`);
  }
}

function moment(milliseconds) {
  return new Date(milliseconds).toLocaleString([], { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });
}
