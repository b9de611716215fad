// What models write becomes the tree that it should, and nothing else.

import assert from "node:assert/strict";
import { test } from "node:test";

import { parseBlocks, parseInline, plainText, safeAddress } from "../../assets/markdown.js";

/// A tree as a short text: `strong(a emphasis(b))`.
function short(node) {
  if (Array.isArray(node)) return node.map(short).join("");
  if (node.type === "text") return node.text;
  const inner = node.children ? short(node.children) : (node.text ?? "");
  return `${node.type}(${inner}${node.address ? `→${node.address}` : ""})`;
}

const inline = (text) => short(parseInline(text));

const INLINE = [
  ["a *b* c", "a emphasis(b) c"],
  ["**b** and __b__", "strong(b) and strong(b)"],
  ["***both***", "strong(emphasis(both))"],
  ["**bold *both***", "strong(bold emphasis(both))"],
  ["~~gone~~ ~not~", "strike(gone) ~not~"],
  ["snake_case_name and 2 * 3 * 4", "snake_case_name and 2 * 3 * 4"],
  ["`a * b` and ``c ` d``", "code(a * b) and code(c ` d)"],
  ["`open", "`open"],
  ["**open *inner", "**open *inner"],
  ["\\*plain\\*", "*plain*"],
  ["[Tea](https://example.org/a_(b))", "link(Tea→https://example.org/a_(b))"],
  ["see https://example.org/x, then", "see link(https://example.org/x→https://example.org/x), then"],
  ["(https://example.org)", "(link(https://example.org→https://example.org))"],
  ["**[bold](https://example.org)**", "strong(link(bold→https://example.org))"],
  ["![Alt](https://example.org/i.png)", "link(Alt→https://example.org/i.png)"],
  ["[a] and [b](", "[a] and [b]("],
  ["a  \nb\nc", "abreak()b\nc"],
  ["<b>no</b> &amp;", "<b>no</b> &amp;"],
];

for (const [text, expected] of INLINE) {
  test(`inline: ${JSON.stringify(text)}`, () => assert.equal(inline(text), expected));
}

test("links lead only where a page may lead", () => {
  for (const address of ["https://example.org", "http://example.org/a?b#c", "mailto:a@example.org", "HTTPS://example.org"]) {
    assert.equal(safeAddress(address), address);
  }
  for (const address of ["javascript:alert(1)", "JaVaScRiPt:x", "data:text/html,x", "//example.org", "/local", "vbscript:x", " java\nscript:x", "https://"]) {
    assert.equal(safeAddress(address), null, address);
  }
  assert.equal(inline("[x](javascript:alert(1))"), "[x](javascript:alert(1))");
});

test("a link never stands in a link", () => {
  const [link] = parseInline("[a https://example.org b [c](https://example.org/c)](https://example.org/d)");
  assert.ok(!JSON.stringify(link.children ?? []).includes('"link"'));
});

function outline(text) {
  return parseBlocks(text).map((block) => {
    if (block.type === "list") return { ...block, raw: undefined, items: block.items.map((item) => item.map((inner) => inner.type).join("+")) };
    return block.type === "code" ? `code:${block.language}:${block.text}` : `${block.type}${block.level ?? ""}`;
  });
}

test("blocks follow each other as written", () => {
  assert.deepEqual(outline("# One\ntext\nmore\n\n---\n> quote\n\n```js\nlet x;\n```\nend"), ["heading1", "paragraph", "rule", "quote", "code:js:let x;", "paragraph"]);
});

test("a code block that is still being written is one already", () => {
  const [code] = parseBlocks("```python\nprint(1)\n");
  assert.deepEqual([code.type, code.isClosed, code.text], ["code", false, "print(1)\n"]);
});

test("a fence in a code block closes only a shorter or equal one", () => {
  assert.deepEqual(outline("````md\n```\nx\n```\n````"), ["code:md:```\nx\n```"]);
});

test("lists nest, count and hold other blocks", () => {
  const [list] = outline("3. one\n   - inner\n   - inner\n4. two\n\n   ```\n   code\n   ```");
  assert.deepEqual([list.isOrdered, list.first, list.items], [true, 3, ["paragraph+list", "paragraph+code"]]);
});

test("a list follows its heading line without a blank line", () => {
  assert.deepEqual(outline("Steps:\n1. a\n2. b").map((block) => block.type ?? block), ["paragraph", "list"]);
});

test("a year at the beginning of a line is no list", () => {
  assert.deepEqual(outline("It was in\n1984. Cold."), ["paragraph"]);
});

test("a table has its columns and their sides", () => {
  const [table] = parseBlocks("| a | b |\n|:--|--:|\n| 1 | 2 \\| 3 |\n| only |");
  assert.equal(table.type, "table");
  assert.deepEqual(table.rows.map((row) => row.map((cell) => short(cell.children))), [["1", "2 | 3"], ["only", ""]]);
  assert.deepEqual(table.head.map((cell) => cell.align), ["start", "end"]);
});

test("no text is lost", () => {
  const text = "a *b **c** [d](https://example.org/e) `f` **g";
  assert.equal(parseInline(text).map(plainText).join("").replace(/[*`]/g, ""), "a b c d f g");
});

test("the beginning of a growing text keeps its blocks", () => {
  const text = "# Title\n\nFirst *paragraph*.\n\n- a\n- b\n\n```\ncode\n```\n\nLast.";
  const whole = parseBlocks(text).map((block) => block.raw);
  for (let length = 0; length <= text.length; length += 1) {
    const stable = parseBlocks(text.slice(0, length)).slice(0, -2).map((block) => block.raw);
    assert.deepEqual(stable, whole.slice(0, stable.length));
  }
});

const HOSTILE = ["*a ", "**", "_a", "[", "[](", "](", "[a](<", "`", "`` ` ", "~~a ", "> ", "- ", "  - a\n", "|", "|-", "http://", "http://%", "# # ", "\\", "!["];
for (const piece of HOSTILE) {
  test(`256 KiB of ${JSON.stringify(piece)} are read in time`, () => {
    const text = piece.repeat(Math.ceil((256 * 1024) / piece.length));
    const start = performance.now();
    parseBlocks(text);
    parseBlocks(`# ${text}`);
    parseBlocks(`a\n${text.replaceAll(" ", "\n")}`);
    assert.ok(performance.now() - start < 5000);
  });
}
