// What runs inside of the page for the cases: each function is sent there as text and stands alone.

/// Runs in the page: draws what models write, in the place of the transcript.
export async function drawSample() {
  const { renderMarkdown } = await import("/assets/render.js");
  const sample = document.createElement("article");
  sample.className = "turn";
  sample.id = "sample";
  const answer = document.createElement("div");
  answer.className = "answer";
  sample.append(answer);
  document.querySelector("#transcript").replaceChildren(sample);
  document.querySelector("#welcome").hidden = true;
  renderMarkdown(answer, [
    "# A heading", "Text with **bold**, *italic*, ~~gone~~, `code` and a [link](https://example.org/).",
    "<script>alert(1)</script> <img src=x onerror=alert(1)> [x](javascript:alert(1))",
    "1. First\n2. Second\n   - inner\n   - inner", "> A quote\n> of two lines", "```rust\nfn main() {\n    println!(\"<b>\");\n}\n```",
    "| Name | Count |\n|------|------:|\n| Tea | 12 |\n| Coffee | 3 |", "---", "The end.",
  ].join("\n\n"));
}

/// Runs in the page: a text grows in the middle of a code block. Tells whether its node stayed, its text, and the number of blocks.
export async function growSample() {
  const { renderMarkdown } = await import("/assets/render.js");
  const answer = document.createElement("div");
  const texts = ["Intro.", "Intro.\n\n```js\nlet x", "Intro.\n\n```js\nlet x = 1;\nlet y", "Intro.\n\n```js\nlet x = 1;\nlet y\n```\nEnd."];
  const seen = texts.map((text) => {
    renderMarkdown(answer, text);
    return answer.children[1];
  });
  return [seen[1] === seen[3], seen[3].querySelector("code").textContent, answer.children.length];
}

/// Runs in the page: draws a text whose mark would turn what follows it. Tells what stands there, and whether it stands in its order.
export async function turnSample() {
  const { renderMarkdown } = await import("/assets/render.js");
  const answer = document.createElement("div");
  document.querySelector("#transcript").replaceChildren(answer);
  document.querySelector("#welcome").hidden = true;
  renderMarkdown(answer, "before \u202Eafter **strong** end\n\n- item \u2066one\n\n`in \u202Eline`\n\n```js\nlet \u202Ex;\n```");
  const left = (node) => {
    const range = document.createRange();
    range.selectNodeContents(node);
    return range.getBoundingClientRect().left;
  };
  const [before, strong, end] = answer.querySelector("p").childNodes;
  const [item, inline, block] = ["li", "p code", "pre"].map((name) => answer.querySelector(name).textContent);
  return [before.textContent, left(before) < left(strong) && left(strong) < left(end), item, inline, block];
}
