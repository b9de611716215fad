// Where messages are written. What was begun outlives a reload of the tab.

import { byId } from "./dom.js";

/// The gateway takes no longer ones.
const BYTES_MAX = 256 * 1024;
const HEIGHT_SHARE_MAX = 0.4;

export class Composer {
  /// `onSend(text)`; `onStop()`.
  constructor({ onSend, onStop }) {
    this.onSend = onSend;
    this.text = byId("composer-text");
    this.conversation = null;
    byId("composer").onsubmit = (event) => {
      event.preventDefault();
      this.submit();
    };
    this.text.onkeydown = (event) => this.press(event);
    this.text.oninput = () => this.changed();
    byId("stop").onclick = onStop;
    addEventListener("resize", () => this.fit());
  }

  /// Turns to another conversation, with what was begun there.
  open(conversation) {
    this.conversation = conversation;
    this.text.value = sessionStorage.getItem(this.draftName()) ?? "";
    this.changed();
  }

  /// Puts a text in front of what is written.
  put(text) {
    this.text.value = this.text.value === "" ? text : `${text}\n${this.text.value}`;
    this.changed();
    this.text.focus();
  }

  showRunning(isRunning) {
    const hadFocus = document.activeElement === byId("stop");
    byId("stop").hidden = !isRunning;
    if (!isRunning) byId("stop").disabled = false;
    if (hadFocus && !isRunning) this.text.focus();
  }

  focus() {
    // On a touch screen the keyboard would jump up unasked.
    if (matchMedia("(hover: hover)").matches) this.text.focus();
  }

  press(event) {
    // Enter also ends the composition of a character, as in Japanese.
    const isPlainEnter = event.key === "Enter" && !event.shiftKey && !event.isComposing && event.keyCode !== 229;
    if (!isPlainEnter) return;
    event.preventDefault();
    this.submit();
  }

  submit() {
    const text = this.text.value.trim();
    if (text === "" || this.isTooLong()) return;
    this.text.value = "";
    this.changed();
    this.onSend(text);
  }

  changed() {
    try {
      if (this.text.value === "") sessionStorage.removeItem(this.draftName());
      else sessionStorage.setItem(this.draftName(), this.text.value);
    } catch {
      // A full storage keeps no draft.
    }
    const isTooLong = this.isTooLong();
    byId("send").disabled = this.text.value.trim() === "" || isTooLong;
    this.text.setCustomValidity(isTooLong ? "A message has at most 256 KiB." : "");
    if (isTooLong) this.text.reportValidity();
    this.fit();
  }

  isTooLong() {
    // At most three bytes for each unit: most texts need not be encoded to know.
    const { value } = this.text;
    return value.length * 3 > BYTES_MAX && new TextEncoder().encode(value).length > BYTES_MAX;
  }

  /// As high as its text, up to a share of the window.
  fit() {
    this.text.rows = 1;
    const line = Number.parseFloat(getComputedStyle(this.text).lineHeight);
    const rows = Math.round((this.text.scrollHeight - paddingOf(this.text)) / line);
    this.text.rows = Math.max(1, Math.min(rows, Math.floor((innerHeight * HEIGHT_SHARE_MAX) / line)));
  }

  draftName() {
    return `argentum.draft.${this.conversation}`;
  }
}

function paddingOf(element) {
  const style = getComputedStyle(element);
  return Number.parseFloat(style.paddingTop) + Number.parseFloat(style.paddingBottom);
}
