// Light or dark: as the system has it, unless chosen here.

import { byId } from "./dom.js";

const KEY = "argentum.theme";

export function applyTheme() {
  const select = byId("theme");
  select.value = stored();
  show(select.value);
  select.onchange = () => {
    show(select.value);
    try {
      localStorage.setItem(KEY, select.value);
    } catch {
      // Without storage the choice lasts until the page is left.
    }
  };
}

function show(theme) {
  if (theme) document.documentElement.dataset.theme = theme;
  else delete document.documentElement.dataset.theme;
}

function stored() {
  try {
    return localStorage.getItem(KEY) ?? "";
  } catch {
    return "";
  }
}
