// Asks for what a change needs, in a <dialog>; it stays open until the server has taken it.
import { el } from "./dom.js";
import { Problem } from "./api.js";
import { t } from "./i18n.js";
import { endsScan, isBadge, scanLength } from "./scanner.js";

// A whole number as people write it: 1000, 1 000, 1.000 and 1,000 are a thousand.  NaN: it is none.
function countOf(text) {
  const digits = /^\d{1,3}([.,'’\s]\d{3})+$/.test(text) ? text.replace(/\D/g, "") : text;
  return /^\d+$/.test(digits) ? Number(digits) : NaN;
}

function control(field, id) {
  const common = {
    id, name: field.name, required: field.required, autocomplete: "off", "aria-describedby": field.hint ? `${id}-hint` : null, spellcheck: "false",
  };
  if (field.type === "area") return el("textarea", { ...common, rows: 4 });
  if (field.type === "check") return el("input", { ...common, type: "checkbox" });
  const number = field.type === "count" ? { inputmode: "numeric", maxlength: 15 } : {};
  const input = el("input", { ...common, type: "text", maxlength: field.maxlength, pattern: field.pattern, ...number });
  if (field.type === "count") {
    input.addEventListener("input", () => {
      const n = countOf(input.value.trim());
      input.setCustomValidity(n >= 1 && n <= field.max ? "" : t("dialog.number"));
    });
  }
  return input;
}

function row(field, i) {
  const id = `field-${i}`;
  const label = el("label", { for: id }, field.label);
  const hint = field.hint ? el("small", { id: `${id}-hint` }, field.hint) : null;
  return el("div", { class: field.type === "check" ? "field check" : "field" }, label, control(field, id), hint);
}

// What was just scanned into a field, before its end.
const scannedIn = (input) => input.value.slice(input.selectionStart - scanLength(), input.selectionStart);

function takeOut(input) {
  input.setRangeText("", input.selectionStart - scanLength(), input.selectionStart, "end");
  input.dispatchEvent(new Event("input", { bubbles: true }));
}

// An order may be scanned into its name, devices into their list; a label is no reason for what cannot be undone, and a badge belongs nowhere.
function onScan(event, fields) {
  const input = event.target, field = fields.find((one) => one.name === input.name);
  const isText = input.matches("textarea, input[type=text]");
  const belongs = isText && !field?.typed && !isBadge(scannedIn(input));
  if (isText && !belongs) takeOut(input);
  if (belongs && (event.key === "Tab" || input.matches("textarea"))) return; // the next field, the next line
  event.preventDefault();
}

function valuesOf(form, fields) {
  return Object.fromEntries(fields.map((field) => {
    const input = form.elements[field.name];
    if (field.type === "check") return [field.name, input.checked];
    const text = input.value.trim();
    return [field.name, field.type === "count" ? countOf(text) : text];
  }));
}

// What is to be said of a change that was not made, or may have been.
function wordsFor(problem) {
  if (problem.status === 401) return t("dialog.ended");
  return problem.code === "lost" ? t("dialog.maybe") : problem.words;
}

// fields: { name, label, type, required, hint, typed: only by a person ... }; send(values) makes the change, and its Problem is shown.  Ends with true when it was made.
export function askFor({ title, text, fields, confirm, danger = false, send }) {
  const error = el("p", { role: "alert", class: "error" });
  const sure = el("button", { class: danger ? "danger" : "primary" }, confirm);
  const cancel = el("button", { type: "button" }, t("dialog.cancel"));
  const form = el("form", { method: "dialog" },
    el("h2", { id: "dialog-title" }, title), text ? el("p", {}, text) : null, fields.map(row), error,
    el("div", { class: "buttons" }, sure, cancel));
  const dialog = el("dialog", { "aria-labelledby": "dialog-title" }, form);
  let made = false, sending = false;

  // What is on its way cannot be called back: until the answer is there, nothing else can be pressed.
  const setSending = (is) => {
    sending = is;
    for (const one of [sure, cancel]) one.setAttribute("aria-disabled", String(is));
  };

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (sending) return;
    error.textContent = "";
    try {
      const values = valuesOf(form, fields);
      setSending(true);
      await send(values);
      made = true;
      dialog.close();
    } catch (problem) {
      if (!(problem instanceof Problem)) throw problem;
      error.textContent = wordsFor(problem);
    } finally {
      setSending(false);
    }
  });
  // A label that is scanned now confirms nothing: only a person at the button does.
  form.addEventListener("keydown", (event) => {
    if (endsScan(event)) onScan(event, fields);
    else if (event.key === "Enter" && event.target.matches("input")) event.preventDefault();
  });
  dialog.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && sending) event.preventDefault();
  });
  dialog.addEventListener("cancel", (event) => {
    if (sending) event.preventDefault();
  });
  cancel.addEventListener("click", () => { if (!sending) dialog.close(); });
  document.body.append(dialog);
  dialog.showModal();
  form.querySelector("input, textarea")?.focus();
  return new Promise((done) => dialog.addEventListener("close", () => { dialog.remove(); done(made); }, { once: true }));
}

export const reasonField = () => ({ name: "reason", label: t("dialog.reason"), required: true, maxlength: 255, pattern: ".*\\S.*", typed: true, hint: t("dialog.reason_hint") });

export const isDialogOpen = () => document.querySelector("dialog[open]") !== null;

let hides;

// A short word on what was done.
export function toast(text) {
  const box = document.getElementById("toast");
  box.textContent = text;
  box.hidden = false;
  clearTimeout(hides);
  hides = setTimeout(() => { box.hidden = true; }, 6000);
}
