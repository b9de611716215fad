// Making nodes. Text stays text: nothing here turns a string into markup.

const SVG = "http://www.w3.org/2000/svg";

/// Marks that turn the direction of what follows them (U+202A to U+202E, U+2066 to U+2069): left open by one text they would turn others.
const TURNS = /[\u202A-\u202E\u2066-\u2069]/g;

/// Text as it may be shown: without marks that turn the direction. Letters of every script still run as they should.
export function straight(text) {
  return (text ?? "").replace(TURNS, "");
}

/// Code as it may be shown: the marks are seen, because whoever copies it takes them along.
export function straightCode(text) {
  return text.replace(TURNS, (mark) => `[U+${mark.codePointAt(0).toString(16).toUpperCase()}]`);
}

/// An element with attributes and children. `on…` are listeners, `class` and the rest attributes; null and false leave one out. Every
/// text goes through `straight`.
export function h(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else element.setAttribute(key, value === true ? "" : value);
  }
  const shown = children.filter((child) => child !== null && child !== undefined && child !== false);
  element.append(...shown.map((child) => (typeof child === "string" ? straight(child) : child)));
  return element;
}

/// A drawing of the page's own set, hidden from screen readers: the text beside it, or the label of its button, says it.
export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", `#icon-${name}`);
  svg.append(use);
  return svg;
}

export const byId = (id) => document.getElementById(id);

/// Sets text only where it differs, so that a screen reader is not told the same again.
export function setText(element, text) {
  const shown = straight(text);
  if (element.textContent !== shown) element.textContent = shown;
}

/// Says something to screen readers, politely.
export function announce(text) {
  setText(byId("announcer"), text);
}

/// Copies a text and says so on the button for a moment.
export async function copyText(text, button) {
  let isCopied = true;
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    isCopied = copyBySelection(text);
  }
  const label = button.querySelector(".label") ?? button;
  const before = button.dataset.label ?? label.textContent;
  button.dataset.label = before;
  label.textContent = isCopied ? "Copied" : "Not copied";
  announce(isCopied ? "Copied" : "Copying did not work");
  clearTimeout(button.copyTimer);
  button.copyTimer = setTimeout(() => { label.textContent = before; }, 1500);
}

/// For pages on plain HTTP beyond loopback, where browsers offer no clipboard.
function copyBySelection(text) {
  const area = h("textarea", { class: "offscreen", "aria-hidden": "true" });
  area.value = text;
  document.body.append(area);
  area.select();
  const isCopied = document.execCommand("copy");
  area.remove();
  return isCopied;
}
