// Markdown as a tree of plain objects, block by block: heading, paragraph, code, quote, list, table, rule.
//
// A subset that models write, in linear time. No HTML: what looks like a tag is text. `render.js` makes DOM nodes of the tree.

import { parseInline } from "./markdown-inline.js";

export { parseInline, plainText, safeAddress } from "./markdown-inline.js";

const DEPTH_MAX = 6;
const FENCE = /^( {0,3})(`{3,}|~{3,})([^`]*)$/;
const HEADING = /^ {0,3}(#{1,6})(?:[ \t](.*))?$/;
const RULE = /^ {0,3}([-*_])\s*(?:\1\s*){2,}$/;
const QUOTE = /^ {0,3}> ?/;
const ITEM = /^( {0,3})([-*+]|\d{1,9}[.)])( {1,4}|\t|$)(.*)$/;
// Longer lines are no rules of tables.
const TABLE_RULE_CHARACTERS_MAX = 1000;
const TABLE_RULE = /^ {0,3}\|?\s*:?-+:?\s*(\|\s*:?-+:?\s*)*\|?\s*$/;

/// The blocks of a text. Each has `raw`, its own source: equal sources give equal blocks.
export function parseBlocks(text) {
  return blocksOf(text.replaceAll("\r\n", "\n").split("\n"), 0);
}

function blocksOf(lines, depth) {
  const blocks = [];
  let index = 0;
  while (index < lines.length) {
    if (isBlank(lines[index])) {
      index += 1;
      continue;
    }
    const [block, end] = blockAt(lines, index, depth);
    if (depth === 0) block.raw = lines.slice(index, end).join("\n");
    blocks.push(block);
    index = end;
  }
  return blocks;
}

/// The block that begins at `index`, and where it ends.
function blockAt(lines, index, depth) {
  const line = lines[index];
  const fence = FENCE.exec(line);
  if (fence) return codeAt(lines, index, fence);
  const heading = HEADING.exec(line);
  if (heading) return [{ type: "heading", level: heading[1].length, children: parseInline(headingText(heading[2] ?? "")) }, index + 1];
  if (RULE.test(line)) return [{ type: "rule" }, index + 1];
  if (depth < DEPTH_MAX && QUOTE.test(line)) return quoteAt(lines, index, depth);
  if (depth < DEPTH_MAX && ITEM.test(line)) return listAt(lines, index, depth);
  if (isTable(lines, index)) return tableAt(lines, index);
  return paragraphAt(lines, index, depth);
}

/// Without the marks that may close a heading.
function headingText(text) {
  const words = text.trim().split(" ");
  if (words.length > 1 && words.at(-1).replaceAll("#", "") === "") words.pop();
  return words.join(" ").trim();
}

/// To the closing fence, or to the end: a text that is still being written may lack it.
function codeAt(lines, start, [, indent, fence, info]) {
  const closing = new RegExp(`^ {0,3}${fence[0]}{${fence.length},}\\s*$`);
  let end = start + 1;
  while (end < lines.length && !closing.test(lines[end])) end += 1;
  const body = lines.slice(start + 1, end).map((line) => line.replace(new RegExp(`^ {0,${indent.length}}`), ""));
  const isClosed = end < lines.length;
  const language = info.trim().split(/\s/, 1)[0];
  return [{ type: "code", language, text: body.join("\n"), isClosed }, isClosed ? end + 1 : end];
}

function quoteAt(lines, start, depth) {
  let end = start;
  while (end < lines.length && QUOTE.test(lines[end])) end += 1;
  const inner = lines.slice(start, end).map((line) => line.replace(QUOTE, ""));
  return [{ type: "quote", blocks: blocksOf(inner, depth + 1) }, end];
}

function listAt(lines, start, depth) {
  const [, , firstMark] = ITEM.exec(lines[start]);
  const kind = firstMark.at(-1);
  const list = { type: "list", isOrdered: /\d/.test(firstMark), first: Number.parseInt(firstMark, 10) || 1, items: [], isLoose: false };
  let index = start;
  while (index < lines.length) {
    const match = RULE.test(lines[index]) ? null : ITEM.exec(lines[index]);
    if (!match || match[2].at(-1) !== kind) break;
    const end = itemEnd(lines, index, match);
    const inner = lines.slice(index, end);
    const width = match[1].length + match[2].length + Math.max(1, match[3].length);
    inner[0] = match[4];
    for (let line = 1; line < inner.length; line += 1) inner[line] = outdented(inner[line], width);
    list.isLoose ||= inner.some((line, position) => isBlank(line) && position > 0 && position < inner.length - 1);
    list.items.push(blocksOf(inner, depth + 1));
    index = end;
    const next = skipBlank(lines, index);
    if (next > index && next < lines.length && ITEM.exec(lines[next])?.[2].at(-1) === kind) {
      list.isLoose = true;
      index = next;
    }
  }
  return [list, index];
}

/// An item goes on with what is indented below it, and with the lines of its paragraph.
function itemEnd(lines, start, match) {
  const width = match[1].length + match[2].length + 1;
  let end = start + 1;
  while (end < lines.length) {
    const line = lines[end];
    if (isBlank(line)) {
      const next = skipBlank(lines, end);
      if (next === lines.length || indentOf(lines[next]) < width) return end;
      end = next;
    } else if (indentOf(line) >= width || (!isBlank(lines[end - 1]) && !beginsBlock(line))) {
      end += 1;
    } else {
      return end;
    }
  }
  return end;
}

function isTable(lines, index) {
  const rule = lines[index + 1];
  if (rule === undefined || !lines[index].includes("|") || !rule.includes("-")) return false;
  if (rule.length > TABLE_RULE_CHARACTERS_MAX || !TABLE_RULE.test(rule)) return false;
  return cellsOf(lines[index]).length === cellsOf(rule).length;
}

function tableAt(lines, start) {
  const aligns = cellsOf(lines[start + 1]).map((cell) => {
    const [isLeft, isRight] = [cell.startsWith(":"), cell.endsWith(":")];
    return isLeft && isRight ? "center" : isRight ? "end" : "start";
  });
  let end = start + 2;
  while (end < lines.length && lines[end].includes("|") && !isBlank(lines[end])) end += 1;
  const rowOf = (line) => {
    const cells = cellsOf(line);
    return aligns.map((align, column) => ({ align, children: parseInline(cells[column] ?? "") }));
  };
  return [{ type: "table", head: rowOf(lines[start]), rows: lines.slice(start + 2, end).map(rowOf) }, end];
}

/// The cells of a row; `\|` is a bar that parts nothing.
function cellsOf(line) {
  const row = line.trim().replace(/^\|/, "").replace(/(?<!\\)\|$/, "");
  return row.split(/(?<!\\)\|/).map((cell) => cell.trim().replaceAll("\\|", "|"));
}

function paragraphAt(lines, start, depth) {
  let end = start + 1;
  while (end < lines.length && !isBlank(lines[end]) && !(depth < DEPTH_MAX && beginsBlock(lines[end])) && !isTable(lines, end)) end += 1;
  const text = lines.slice(start, end).map((line, index) => (index === 0 ? line.trimStart() : line.replace(/^\s+/, ""))).join("\n").trimEnd();
  return [{ type: "paragraph", children: parseInline(text) }, end];
}

/// Whether a line ends a paragraph without a blank line between.
function beginsBlock(line) {
  const item = ITEM.exec(line);
  const isItem = item && item[4] !== "" && (!/\d/.test(item[2]) || Number.parseInt(item[2], 10) === 1 || item[2].length < 4);
  return FENCE.test(line) || HEADING.test(line) || RULE.test(line) || QUOTE.test(line) || Boolean(isItem);
}

function isBlank(line) {
  return line.trim() === "";
}

function skipBlank(lines, index) {
  let next = index;
  while (next < lines.length && isBlank(lines[next])) next += 1;
  return next;
}

function indentOf(line) {
  return line.replaceAll("\t", "    ").search(/\S|$/);
}

function outdented(line, width) {
  return line.slice(Math.min(width, line.search(/\S|$/)));
}
