// The field of the barcode scanner.  A scanner is a keyboard: characters, then Enter; wherever the page's focus is, they end up here.
import { el } from "./dom.js";
import { ask } from "./api.js";
import { t } from "./i18n.js";
import { isDialogOpen } from "./dialog.js";
import { beginsBadge, endsScan, isBadge, labelOf } from "./scanner.js";

const limit = 20;
const typingMs = 150;

let field = null;
let timer;
let go; // (hash) => void
let onBadge; // (token) => void
let asked = 0; // counts scans: the answer for one that another has followed is dropped

// Whole or beginning of a device id, serial or certificate id.
export const find = (text, signal) => ask(`/v1/search?q=${encodeURIComponent(text)}&limit=${limit}`, { signal });

const isExactly = (c, text) => c.device_id === text || [c.serial, c.certificate_id].includes(text.toLowerCase());

async function enter() {
  const text = labelOf(field.value), mine = ++asked;
  clearTimeout(timer);
  if (text === "") return;
  if (isBadge(text)) {
    field.value = "";
    onBadge(text);
    return;
  }
  field.select(); // the next scan takes its place, also while this one is looked for
  let device = null; // the one whose page it is
  try {
    const { found, refusals } = await find(text);
    const exact = found.filter((c) => isExactly(c, text));
    if (exact.length === 1) device = exact[0].device_id;
    else if (found.length === 1) device = found[0].device_id;
    else if (found.length === 0 && refusals.length > 0) device = text; // it has no certificate: its page says why
  } catch {
    // the list says what is wrong
  }
  if (mine !== asked) return;
  go(device !== null ? `#/device/${encodeURIComponent(device)}` : `#/devices/${encodeURIComponent(text)}`, true);
}

function typing() {
  clearTimeout(timer);
  const text = labelOf(field.value);
  asked++;
  if (text.length < 2 || beginsBadge(text)) return;
  timer = setTimeout(() => go(`#/devices/${encodeURIComponent(text)}`, false), typingMs);
}

export function searchField(onGo, onScannedBadge) {
  go = onGo;
  onBadge = onScannedBadge;
  if (!field) {
    field = el("input", { id: "search", type: "search", autocomplete: "off", autocapitalize: "off", spellcheck: "false", enterkeyhint: "search", maxlength: 128 });
    field.addEventListener("input", typing);
    field.addEventListener("keydown", (event) => {
      if ((event.key !== "Enter" && !endsScan(event)) || event.isComposing) return;
      event.preventDefault();
      enter();
    });
    document.addEventListener("keydown", catchScanner);
    document.addEventListener("close", focusSearch, true); // a dialog; what it was opened with is done
  }
  field.placeholder = t("search.hint");
  return el("div", { class: "search", role: "search" }, el("label", { for: "search", class: "unseen" }, t("search.label")), field);
}

function catchScanner(event) {
  const at = document.activeElement;
  if (!field?.isConnected || event.key.length !== 1 || event.key === " " || event.ctrlKey || event.altKey || event.metaKey || event.isComposing || isDialogOpen() ||
      at === field || at.matches("input, textarea, [contenteditable]")) return;
  field.focus({ preventScroll: true });
  field.select();
}

const isTouch = matchMedia("(pointer: coarse)");

// A focus on a touch screen brings its keyboard up: there the first key of a scanner brings the focus.
export function focusSearch() {
  if (field?.isConnected && !isTouch.matches && !isDialogOpen()) field.focus({ preventScroll: true });
}
