// Asks for what a change needs, in a <dialog>; it stays open until the server has taken it.
import { el } from "./dom.js";
import { Problem } from "./api.js";
import { t } from "./i18n.js";

function control(field, id) {
  const common = {
    id, name: field.name, required: field.required, autocomplete: "off", "aria-describedby": field.hint ? `${id}-hint` : null, spellcheck: "false",
  };
  if (field.type === "area") return el("textarea", { ...common, rows: 4 });
  if (field.type === "check") return el("input", { ...common, type: "checkbox" });
  const input = el("input", { ...common, type: field.type || "text", min: field.min, max: field.max, maxlength: field.maxlength, pattern: field.pattern });
  if (field.value !== undefined) input.value = field.value;
  return input;
}

function row(field, i) {
  const id = `field-${i}`;
  const label = el("label", { for: id }, field.label);
  const hint = field.hint ? el("small", { id: `${id}-hint` }, field.hint) : null;
  return el("div", { class: field.type === "check" ? "field check" : "field" }, label, control(field, id), hint);
}

function valuesOf(form, fields) {
  return Object.fromEntries(fields.map((field) => {
    const input = form.elements[field.name];
    if (field.type === "check") return [field.name, input.checked];
    return [field.name, field.type === "number" ? input.valueAsNumber : input.value.trim()];
  }));
}

// fields: { name, label, type, required, hint, value ... }; send(values) makes the change, and its Problem is shown.  Ends with true when it was made.
export function askFor({ title, text, fields, confirm, danger = false, send }) {
  const error = el("p", { role: "alert", class: "error" });
  const sure = el("button", { class: danger ? "danger" : "primary" }, confirm);
  const cancel = el("button", { type: "button" }, t("dialog.cancel"));
  const form = el("form", { method: "dialog" },
    el("h2", { id: "dialog-title" }, title), text ? el("p", {}, text) : null, fields.map(row), error,
    el("div", { class: "buttons" }, sure, cancel));
  const dialog = el("dialog", { "aria-labelledby": "dialog-title" }, form);
  let made = false;

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    sure.disabled = true;
    error.textContent = "";
    try {
      await send(valuesOf(form, fields));
      made = true;
      dialog.close();
    } catch (problem) {
      if (!(problem instanceof Problem)) throw problem;
      error.textContent = problem.words;
    } finally {
      sure.disabled = false;
    }
  });
  // A scanner ends with Enter: a label that is scanned now must not become the reason for what cannot be undone.  Only the button confirms.
  form.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && event.target.matches("input")) event.preventDefault();
  });
  cancel.addEventListener("click", () => dialog.close());
  document.body.append(dialog);
  dialog.showModal();
  form.querySelector("input, textarea")?.focus();
  return new Promise((done) => dialog.addEventListener("close", () => { dialog.remove(); done(made); }, { once: true }));
}

export const reasonField = () => ({ name: "reason", label: t("dialog.reason"), required: true, maxlength: 255, pattern: ".*\\S.*", hint: t("dialog.reason_hint") });

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
