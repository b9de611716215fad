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
