// Inline Markdown as a tree of plain objects: text, code, strong, emphasis, strike, link, break.
//
// One pass with a stack, so that the time is linear whatever a model writes. A mark that is never closed stays what it was: text.

const DEPTH_MAX = 12;
const ESCAPABLE = /[!-/:-@[-`{-~]/;
const SPACE = /\s/;
const WORD = /[\p{L}\p{N}]/u;
const DESTINATION = /\(\s*(<[^<>\n]*>|[^\s()<>]*(?:\([^\s()<>]*\)[^\s()<>]*)*)(?:\s+"[^"\n]*")?\s*\)/y;
const BARE_LINK = /https?:\/\/[^\s<>"'`]{1,2000}/y;
const NODES = { 1: "emphasis", 2: "strong" };

/// The address, if it is one that a page may lead to; else null.
export function safeAddress(text) {
  const address = text.replace(/^<|>$/g, "").trim();
  if (!/^(https?:\/\/|mailto:)/i.test(address)) return null;
  return URL.canParse(address) ? address : null;
}

export function parseInline(text) {
  const parser = new Parser(text);
  while (parser.position < text.length) parser.step();
  return parser.finish();
}

class Parser {
  constructor(text) {
    this.text = text;
    this.position = 0;
    this.plain = "";
    // Open marks, the outermost first; frame 0 is the whole.
    this.frames = [{ children: [] }];
    // Lengths of backtick runs that are known not to come again.
    this.neverClosed = new Set();
  }

  step() {
    const character = this.text[this.position];
    switch (character) {
      case "\\": return this.escape();
      case "`": return this.code();
      case "\n": return this.lineBreak();
      case "*": case "_": case "~": return this.mark(character);
      case "[": return this.openLink();
      case "]": return this.closeLink();
      case "h": return this.bareLink();
      default: return this.take(1);
    }
  }

  take(length) {
    this.plain += this.text.slice(this.position, this.position + length);
    this.position += length;
  }

  escape() {
    const next = this.text[this.position + 1] ?? "";
    if (!ESCAPABLE.test(next)) return this.take(1);
    this.plain += next;
    this.position += 2;
  }

  code() {
    const length = this.runLength("`");
    const start = this.position + length;
    const end = this.neverClosed.has(length) ? -1 : closingRun(this.text, start, length);
    if (end < 0) {
      this.neverClosed.add(length);
      return this.take(length);
    }
    const inner = this.text.slice(start, end).replaceAll("\n", " ");
    const isPadded = inner.startsWith(" ") && inner.endsWith(" ") && inner.trim() !== "";
    this.push({ type: "code", text: isPadded ? inner.slice(1, -1) : inner });
    this.position = end + length;
  }

  lineBreak() {
    // Asked of the source: a string that grows is costly to look at.
    const isHard = this.text.startsWith("  ", this.position - 2);
    if (isHard) this.plain = this.plain.trimEnd();
    if (isHard) this.push({ type: "break" });
    else this.plain += "\n";
    this.position += 1;
  }

  mark(character) {
    const length = this.runLength(character);
    const before = this.text[this.position - 1] ?? " ";
    const after = this.text[this.position + length] ?? " ";
    const isUnderscore = character === "_";
    const mayOpen = !SPACE.test(after) && !(isUnderscore && WORD.test(before));
    const mayClose = !SPACE.test(before) && !(isUnderscore && WORD.test(after));
    if (length > 3 || (character === "~" && length !== 2)) return this.take(length);
    let rest = mayClose ? this.close(character, length) : length;
    if (rest > 0 && mayOpen && this.frames.length + 1 < DEPTH_MAX) {
      const lengths = rest === 3 ? [2, 1] : [rest];
      for (const size of lengths) this.open({ mark: character, size });
      rest = 0;
    }
    this.plain += character.repeat(rest);
    this.position += length;
  }

  /// Closes what a run of this length closes; returns what is left of the run.
  close(character, length) {
    let rest = length;
    while (rest > 0) {
      const index = this.frames.findLastIndex((frame) => frame.mark === character && frame.size <= rest);
      // A mark does not reach out of the link that it stands in.
      const link = this.frames.findLastIndex((frame) => frame.isLink);
      if (index < 1 || index < link) return rest;
      const frame = this.pop(index);
      rest -= frame.size;
      this.push({ type: character === "~" ? "strike" : NODES[frame.size], children: frame.children });
    }
    return 0;
  }

  openLink() {
    if (this.frames.length >= DEPTH_MAX) return this.take(1);
    const isImage = this.text[this.position - 1] === "!";
    if (isImage) this.plain = this.plain.slice(0, -1);
    this.open({ isLink: true, isImage });
    this.position += 1;
  }

  closeLink() {
    const index = this.frames.findLastIndex((frame) => frame.isLink);
    DESTINATION.lastIndex = this.position + 1;
    const match = index > 0 ? DESTINATION.exec(this.text) : null;
    const address = match && safeAddress(match[1]);
    if (!address) {
      if (index > 0) this.dissolve(index);
      return this.take(1);
    }
    const frame = this.pop(index);
    const children = frame.children.length > 0 ? frame.children : [{ type: "text", text: address }];
    this.push({ type: "link", address, children: children.map(withoutLinks) });
    this.position = DESTINATION.lastIndex;
  }

  bareLink() {
    if (this.frames.some((frame) => frame.isLink)) return this.take(1);
    BARE_LINK.lastIndex = this.position;
    const match = WORD.test(this.text[this.position - 1] ?? " ") ? null : BARE_LINK.exec(this.text);
    const shown = match?.[0].replace(/[.,;:!?*_~\])]+$/, (end) => (end.startsWith(")") && match[0].includes("(") ? ")" : ""));
    const address = shown && safeAddress(shown);
    if (!address) return this.take(1);
    this.push({ type: "link", address, children: [{ type: "text", text: shown }] });
    this.position += shown.length;
  }

  runLength(character) {
    let end = this.position;
    while (this.text[end] === character) end += 1;
    return end - this.position;
  }

  flush() {
    if (this.plain) this.frames.at(-1).children.push({ type: "text", text: this.plain });
    this.plain = "";
  }

  push(node) {
    this.flush();
    this.frames.at(-1).children.push(node);
  }

  open(frame) {
    this.flush();
    this.frames.push({ ...frame, children: [] });
  }

  /// Takes frame `index` off the stack; those above it were never closed and become text in it.
  pop(index) {
    this.flush();
    while (this.frames.length - 1 > index) this.dissolve(this.frames.length - 1);
    return this.frames.pop();
  }

  /// The mark of frame `index` becomes text.
  dissolve(index) {
    this.flush();
    const [frame] = this.frames.splice(index, 1);
    const into = this.frames[index - 1].children;
    const mark = frame.isLink ? (frame.isImage ? "![" : "[") : frame.mark.repeat(frame.size);
    into.push({ type: "text", text: mark });
    for (const child of frame.children) into.push(child);
  }

  finish() {
    while (this.frames.length > 1) this.dissolve(this.frames.length - 1);
    this.flush();
    return joined(this.frames[0].children);
  }
}

function closingRun(text, from, length) {
  const runs = /`+/g;
  runs.lastIndex = from;
  for (let match = runs.exec(text); match; match = runs.exec(text)) {
    if (match[0].length === length) return match.index;
  }
  return -1;
}

function withoutLinks(node) {
  if (node.type === "link") return { type: "text", text: node.children.map(plainText).join("") };
  return node.children ? { ...node, children: node.children.map(withoutLinks) } : node;
}

/// The text without its marks.
export function plainText(node) {
  return node.text ?? (node.children ?? []).map(plainText).join("");
}

/// Neighbouring texts as one, through the whole tree.
function joined(nodes) {
  const result = [];
  for (const node of nodes) {
    const last = result.at(-1);
    if (node.type === "text" && last?.type === "text") last.text += node.text;
    else result.push(node.children ? { ...node, children: joined(node.children) } : { ...node });
  }
  return result;
}
