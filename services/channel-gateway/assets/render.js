// From Markdown's tree to DOM nodes.

import { copyText, h, straightCode } from "./dom.js";
import { parseBlocks } from "./markdown.js";

/// Shows `text` in `container`. Blocks whose source has not changed keep their nodes, so a growing text redraws only its end, and
/// what the reader has selected above stays selected.
export function renderMarkdown(container, text) {
  const blocks = parseBlocks(text);
  const shown = container.shownBlocks ?? [];
  let same = 0;
  while (same < blocks.length && same < shown.length && blocks[same].raw === shown[same].raw) same += 1;
  if (growsInPlace(shown[same], blocks[same])) {
    container.children[same].querySelector("code").textContent = straightCode(blocks[same].text);
    same += 1;
  }
  while (container.childNodes.length > same) container.lastChild.remove();
  container.append(...blocks.slice(same).map(blockNode));
  container.shownBlocks = blocks;
}

/// A code block that is being written stays as it is scrolled and focused.
function growsInPlace(before, after) {
  return before?.type === "code" && after?.type === "code" && before.language === after.language;
}

const BLOCKS = {
  paragraph: (block) => h("p", {}, ...inlineNodes(block.children)),
  // The page's own headings are above those of an answer.
  heading: (block) => h(`h${Math.min(block.level + 2, 6)}`, {}, ...inlineNodes(block.children)),
  rule: () => h("hr"),
  quote: (block) => h("blockquote", {}, ...block.blocks.map(blockNode)),
  code: codeNode,
  list: listNode,
  table: tableNode,
};

function blockNode(block) {
  return BLOCKS[block.type](block);
}

function codeNode({ language, text }) {
  const copy = h("button", { type: "button", class: "copy", onclick: () => copyText(text, copy) }, "Copy");
  const head = h("div", { class: "code-head" }, h("span", {}, language || "text"), copy);
  // Focusable, so that the keyboard can scroll it sideways.
  return h("figure", { class: "code" }, head, h("pre", { tabindex: "0", "aria-label": `Code, ${language || "text"}` }, h("code", {}, straightCode(text))));
}

function listNode({ isOrdered, first, items, isLoose }) {
  const entries = items.map((blocks) => h("li", {}, ...blocks.flatMap((block) => {
    const isTight = !isLoose && block.type === "paragraph";
    return isTight ? inlineNodes(block.children) : [blockNode(block)];
  })));
  return h(isOrdered ? "ol" : "ul", { start: isOrdered && first !== 1 ? String(first) : null }, ...entries);
}

function tableNode({ head, rows }) {
  const cell = (name) => ({ align, children }) => h(name, { class: `align-${align}`, scope: name === "th" ? "col" : null }, ...inlineNodes(children));
  const rowNode = (name) => (row) => h("tr", {}, ...row.map(cell(name)));
  const table = h("table", {}, h("thead", {}, rowNode("th")(head)), h("tbody", {}, ...rows.map(rowNode("td"))));
  return h("div", { class: "table", tabindex: "0", role: "region", "aria-label": "Table" }, table);
}

const INLINE = {
  text: (node) => node.text,
  code: (node) => h("code", {}, straightCode(node.text)),
  strong: (node) => h("strong", {}, ...inlineNodes(node.children)),
  emphasis: (node) => h("em", {}, ...inlineNodes(node.children)),
  strike: (node) => h("s", {}, ...inlineNodes(node.children)),
  link: (node) => h("a", { href: node.address, rel: "noopener noreferrer", target: "_blank" }, ...inlineNodes(node.children)),
  break: () => h("br"),
};

function inlineNodes(nodes) {
  return nodes.map((node) => INLINE[node.type](node));
}
