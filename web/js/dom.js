// Elements are made here and nowhere else.  What comes from a device or a person becomes a text node or an attribute's value, never markup.

const svgSpace = "http://www.w3.org/2000/svg";

function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) throw new Error("listeners are no attributes: use data-action");
    node.setAttribute(name, value === true ? "" : String(value));
  }
  for (const child of children.flat(Infinity)) {
    if (child === null || child === undefined || child === false) continue;
    node.append(child instanceof Node ? child : String(child));
  }
  return node;
}

export function el(name, attributes = {}, ...children) {
  return fill(document.createElement(name), attributes, children);
}

export function svg(name, attributes = {}, ...children) {
  return fill(document.createElementNS(svgSpace, name), attributes, children);
}

const keyOf = (node) => (node.nodeType === Node.ELEMENT_NODE ? node.getAttribute("data-key") : null);

function alike(old, fresh) {
  return old && old.nodeType === fresh.nodeType && old.nodeName === fresh.nodeName && keyOf(old) === keyOf(fresh);
}

function morphAttributes(old, fresh) {
  for (const { name } of [...old.attributes]) {
    const opened = name === "open" && old.nodeName === "DETAILS"; // by the reader
    if (!fresh.hasAttribute(name) && !opened) old.removeAttribute(name);
  }
  for (const { name, value } of fresh.attributes) if (old.getAttribute(name) !== value) old.setAttribute(name, value);
}

function morphChildren(old, fresh) {
  const nodes = [...fresh.childNodes];
  const wanted = new Set(nodes.map(keyOf).filter((key) => key !== null));
  const keyed = new Map();
  for (const child of [...old.childNodes]) {
    const key = keyOf(child);
    if (key === null) continue;
    if (wanted.has(key) && !keyed.has(key)) keyed.set(key, child);
    else child.remove();
  }
  let at = old.firstChild;
  for (const node of nodes) {
    const key = keyOf(node);
    const match = key === null ? at : keyed.get(key);
    if (!alike(match, node)) {
      old.insertBefore(node, at);
    } else {
      if (match === at) at = at.nextSibling;
      else old.insertBefore(match, at);
      morph(match, node);
    }
  }
  while (at) {
    const next = at.nextSibling;
    at.remove();
    at = next;
  }
}

// Makes old what fresh is and leaves alone what is the same already: focus, scroll and selection stay, and what is read aloud is only what has changed.
export function morph(old, fresh) {
  if (old.nodeType !== Node.ELEMENT_NODE) {
    if (old.data !== fresh.data) old.data = fresh.data;
    return;
  }
  morphAttributes(old, fresh);
  morphChildren(old, fresh);
}

// The same for what stands inside a node that stays.
export function show(node, ...children) {
  const fresh = el("div", {}, ...children);
  morphChildren(node, fresh);
}

export const link = (hash, ...children) => el("a", { href: hash }, ...children);
export const deviceLink = (id) => link(`#/device/${encodeURIComponent(id)}`, id);
export const batchLink = (name) => link(`#/batch/${encodeURIComponent(name)}`, name);

// A button that app.js gives to the action of that name, with the rest as its values.
export function button(action, label, values = {}, attributes = {}) {
  const data = Object.fromEntries(Object.entries(values).map(([name, value]) => [`data-${name}`, value]));
  return el("button", { type: "button", "data-action": action, ...data, ...attributes }, label);
}

// A cell of a table with a class.
export const as = (what, className) => ({ what, className });

// heads: texts, or as(text, class); rows: lists of cells, or { key, cells }; a cell: a child, children, or as(them, class).
export function table(caption, heads, rows, none) {
  const cell = (name, given, attributes = {}) =>
    Object.hasOwn(Object(given), "className") ? el(name, { class: given.className, ...attributes }, given.what) : el(name, attributes, given);
  const named = (head) => (typeof head === "string" ? head : head?.what);
  const body = rows.map((row) =>
    el("tr", { "data-key": row.key }, (row.cells || row).map((given, i) => (i === 0 ? cell("th", given, { scope: "row" }) : cell("td", given, { "data-label": named(heads[i]) })))));
  const empty = el("tr", {}, el("td", { colspan: heads.length, class: "none" }, none));
  return el("div", { class: "table", tabindex: "0", role: "region", "aria-label": caption },
    el("table", heads.length > 3 ? { class: "rows" } : {},
      el("caption", { class: "unseen" }, caption),
      el("thead", {}, el("tr", {}, heads.map((head) => cell("th", head, { scope: "col" })))),
      el("tbody", {}, body.length > 0 ? body : empty)));
}

// [[term, description], ...]
export function facts(list, attributes = { class: "facts" }) {
  return el("dl", attributes, list.filter(Boolean).map(([term, ...what]) => el("div", {}, el("dt", {}, term), el("dd", {}, ...what))));
}

export function meter(label, value, max, text, kind = "") {
  return el("div", { class: `meter ${kind}` },
    el("span", { class: "meter-text" }, text),
    el("progress", { "aria-label": label, value: Math.min(value, max), max: Math.max(max, 1) }));
}
