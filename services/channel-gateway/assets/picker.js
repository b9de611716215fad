// Where the model is chosen: the browser's own list, and in its place what to do where there is nothing to choose.

import { byId, h, setText } from "./dom.js";
import { groups } from "./models.js";

const UNKNOWN = "The models are not known: the provider-router does not answer";

export class Picker {
  /// `onChoose(name)`; `onLook()` when the list is about to be read, so that it can be told anew.
  constructor({ onChoose, onLook }) {
    this.select = byId("model");
    this.select.onchange = () => onChoose(this.select.value);
    for (const event of ["pointerdown", "focus", "keydown"]) this.select.addEventListener(event, onLook);
    byId("model-again").onclick = onLook;
  }

  /// Shows what `choice` offers and means.
  show(choice) {
    const offered = groups(choice.models ?? []);
    const isEmpty = choice.models !== null && offered.length === 0;
    this.select.hidden = offered.length === 0;
    byId("model-none").hidden = !isEmpty;
    setText(byId("model-unknown"), choice.models === null ? UNKNOWN : "");
    if (offered.length > 0) this.fill(offered, choice);
  }

  /// An open list is left alone unless it has changed.
  fill(offered, choice) {
    const meant = choice.meant();
    const unoffered = choice.isOffered(meant) ? null : meant;
    const list = JSON.stringify([offered, unoffered]);
    if (list !== this.shown) this.select.replaceChildren(...unofferedNodes(unoffered), ...offered.map(groupNode));
    this.shown = list;
    if (this.select.value !== meant) this.select.value = meant;
    this.select.title = meant;
    this.select.classList.toggle("warn", unoffered !== null);
  }
}

function groupNode({ provider, models }) {
  const option = ({ name, label, isDefault }) => h("option", { value: name }, isDefault ? `${label} (default)` : label);
  return h("optgroup", { label: provider }, ...models.map(option));
}

/// A model that the conversation has and nobody offers now stands there all the same: it is the one that will be asked. Where there
/// is none, and no default one either, nobody would be asked: that is said, too.
function unofferedNodes(name) {
  if (name === null) return [];
  return [h("option", { value: name }, name === "" ? "Choose a model" : `${name} (not offered now)`)];
}
