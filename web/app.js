// The page: its header, which view is shown, and what its buttons do.
import { button, el, link, show } from "./js/dom.js";
import { chooseLanguage, currentLanguage, languages, t, useLanguage } from "./js/i18n.js";
import { Problem, whenDenied } from "./js/api.js";
import { isSignedIn, loadSession, may, signIn, signOut, who } from "./js/session.js";
import { endLive, startLive } from "./js/live.js";
import { keepTime } from "./js/format.js";
import { toast } from "./js/dialog.js";
import { endsScan, labelOf } from "./js/scanner.js";
import { focusSearch, searchField } from "./js/search.js";
import { lineView, shape, stateClass, stateName } from "./js/line.js";
import { batchActions, batchView, batchesView } from "./js/batches.js";
import { deviceActions, deviceView, devicesView } from "./js/devices.js";
import { uploadActions, uploadView } from "./js/upload.js";
import { healthView } from "./js/health.js";
import { eventActions, eventsView } from "./js/events.js";

const views = {
  line: lineView, batches: batchesView, batch: batchView, devices: devicesView, device: deviceView, upload: uploadView, health: healthView, events: eventsView,
};
const tabs = { line: ["line"], batches: ["batches", "batch"], devices: ["devices", "device"], upload: ["upload"], health: ["health"], events: ["events"] };

const bar = document.getElementById("bar");
const main = document.getElementById("main");
const lost = document.getElementById("lost");
const isWall = new URLSearchParams(location.search).has("wall");

let status = null;
let place = { name: "line", argument: "" };
let data = null; // what the view has loaded
let visit = 0; // counts navigations: an answer for a view that was left is dropped
let reloads;

// ---- the header

function signInForm() {
  const token = el("input", { id: "token", name: "token", type: "password", autocomplete: "off", required: true, autofocus: true });
  const error = el("p", { id: "sign-in-error", role: "alert", class: "error" });
  const form = el("form", { id: "sign-in" }, el("label", { for: "token" }, t("sign_in.label")), token, el("button", { class: "primary" }, t("sign_in")), error);
  token.addEventListener("keydown", (event) => {
    if (event.key !== "Tab" || !endsScan(event)) return;
    event.preventDefault();
    form.requestSubmit();
  });
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const text = labelOf(token.value);
    token.value = "";
    error.textContent = "";
    try {
      await signIn(text);
      document.getElementById("sign-in-dialog")?.close();
      await begin();
    } catch (problem) {
      if (!(problem instanceof Problem)) throw problem;
      error.textContent = problem.status === 401 ? t("sign_in.wrong") : problem.words;
      token.focus();
    }
  });
  return form;
}

function openSignIn() {
  const close = el("button", { type: "button" }, t("dialog.cancel"));
  const dialog = el("dialog", { id: "sign-in-dialog", "aria-labelledby": "sign-in-title" }, el("h2", { id: "sign-in-title" }, t("sign_in")), signInForm(), close);
  close.addEventListener("click", () => dialog.close());
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
  dialog.querySelector("#token").focus();
}

// A badge that is scanned wherever: who shows it is signed in from now on.
async function takeBadge(token) {
  try {
    await signIn(token);
    await begin();
    toast(t("sign_in.as", { name: who().name }));
  } catch (problem) {
    if (!(problem instanceof Problem)) throw problem;
    toast(problem.status === 401 ? t("sign_in.wrong") : problem.words);
  }
}

function languageChooser() {
  const select = el("select", { id: "language", "aria-label": t("language") },
    Object.entries(languages).map(([code, name]) => el("option", { value: code, lang: code, selected: code === currentLanguage() }, name)));
  select.addEventListener("change", async () => {
    await chooseLanguage(select.value);
    drawBar();
    draw();
    document.getElementById("said").textContent = views[place.name].title(place.argument);
    document.getElementById("language").focus();
  });
  return select;
}

function drawBar() {
  if (isWall) return;
  const user = isSignedIn() ? button("sign-out", t("sign_out.who", { name: who().name }), {}, { title: t(`role.${who().role}`) })
    : may("read") ? button("sign-in", t("sign_in")) : ""; // else the page is the sign-in
  const items = Object.keys(tabs).map((name) => el("li", {}, el("a", { href: `#/${name}`, "data-tab": name }, t(`view.${name}`))));
  bar.replaceChildren(
    el("a", { class: "skip", href: "#main" }, t("skip")),
    el("a", { class: "brand", href: "#/line" }, el("span", { id: "light" }), el("b", {}, "lineca")),
    may("read") ? el("nav", { "aria-label": t("nav") }, el("ul", {}, items)) : el("span", { class: "gap" }),
    el("div", { class: "corner" }, languageChooser(), user),
    may("read") ? searchField(go, takeBadge) : "");
  drawPlace();
}

function drawPlace() {
  for (const tab of bar.querySelectorAll("[data-tab]")) {
    if (tabs[tab.dataset.tab].includes(place.name)) tab.setAttribute("aria-current", "page");
    else tab.removeAttribute("aria-current");
  }
}

function drawLight() {
  const light = document.getElementById("light");
  if (light && status) show(light, el("span", { class: `light ${stateClass(status)}` }, shape(status), el("span", { class: "unseen" }, t(`state.${stateName(status)}`))));
  const name = views[place.name].title(place.argument);
  document.title = status ? `${t(`state.${stateName(status)}`)} · ${name} · lineca` : `${name} · lineca`;
}

// ---- the views

function draw() {
  if (!may("read")) return;
  if (!status && !isWall && place.name === "line" && main.querySelector(".line")) return drawLight(); // what the server has drawn stays until more is known
  const drawn = () => show(main, views[place.name].draw(data, status, main, place.argument));
  drawn();
  if (isWall) fit(drawn);
  drawLight();
}

// Nobody scrolls a screen on the wall: what does not fit is drawn smaller.
function fit(drawn) {
  const root = document.documentElement;
  const over = () => main.scrollHeight - innerHeight;
  if (root.style.fontSize && over() < -0.1 * innerHeight) {
    root.style.fontSize = "";
    drawn();
  }
  for (let i = 0; i < 20 && over() > 0 && parseFloat(getComputedStyle(root).fontSize) > 7; i++) {
    root.style.fontSize = `${parseFloat(getComputedStyle(root).fontSize) * 0.96}px`;
    drawn();
  }
}

// own: nobody has asked for it, so it keeps no session alive.
async function load(own = false) {
  const view = views[place.name], mine = visit;
  try {
    const loaded = view.load ? await view.load(place.argument, { own }) : null;
    if (mine !== visit) return false;
    data = loaded;
    draw();
    return true;
  } catch (problem) {
    if (!(problem instanceof Problem)) throw problem;
    if (mine === visit && problem.code !== "lost" && problem.status !== 401) show(main, el("h1", {}, t("sorry")), el("p", { role: "alert", class: "error" }, problem.words));
    return false;
  }
}

function placeOfHash() {
  const [name, ...rest] = location.hash.replace(/^#\/?/, "").split("/");
  if (isWall || !Object.hasOwn(views, name)) return { name: "line", argument: "" };
  if (["batch", "device"].includes(name) && rest.join("") === "") return { name: name === "batch" ? "batches" : "devices", argument: "" };
  try {
    return { name, argument: decodeURIComponent(rest.join("/")) };
  } catch {
    return { name, argument: rest.join("/") };
  }
}

async function navigate() {
  if (location.hash !== "" && !location.hash.startsWith("#/")) return; // the skip link
  if (!may("read")) return;
  const typing = document.activeElement?.id === "search";
  visit++;
  place = placeOfHash();
  data = null;
  clearInterval(reloads);
  const view = views[place.name], mine = visit;
  drawPlace();
  if (!typing) scrollTo(0, 0);
  await load();
  if (mine !== visit) return;
  document.getElementById("said").textContent = view.title(place.argument);
  if (view.everyMs) reloads = setInterval(() => { if (!document.hidden && lost.hidden) load(true); }, view.everyMs);
  if (!typing) focusSearch();
}

// Typing in the search field is one step back, not one for each letter.
function go(hash, asStep = true) {
  if (location.hash === hash) {
    load();
  } else if (asStep || place.name !== "devices") {
    location.hash = hash;
  } else {
    history.replaceState(null, "", hash);
    navigate();
  }
}

// ---- buttons

async function copyText({ text }) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // plain HTTP has no clipboard: the old way
    const area = el("textarea", { class: "unseen", readonly: true });
    area.value = text;
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }
  toast(t("copied"));
  return false;
}

async function leave() {
  await signOut();
  await begin();
  return false;
}

const actions = {
  ...batchActions, ...deviceActions, ...uploadActions, ...eventActions, copy: copyText, "sign-in": () => { openSignIn(); return false; }, "sign-out": leave,
};

document.addEventListener("click", async (event) => {
  const pressed = event.target.closest("[data-action]");
  if (!pressed) return;
  const { action, ...values } = pressed.dataset;
  try {
    const made = await actions[action](values, go);
    if (made === "draw") draw();
    if (made !== true) return;
    toast(t("done"));
    await load();
  } catch (problem) {
    if (!(problem instanceof Problem)) throw problem;
    toast(problem.words);
  }
});

// ---- begin

function drawSignIn() {
  document.title = `${t("sign_in")} · lineca`;
  show(main, "");
  main.replaceChildren(el("h1", {}, "lineca"), el("p", {}, t("sign_in.why")), signInForm());
  document.getElementById("token").focus();
}

function setLost(isLost) {
  if (lost.hidden === !isLost) return;
  lost.hidden = !isLost;
  lost.textContent = isLost ? t("lost") : "";
  document.body.classList.toggle("stale", isLost);
}

const live = {
  status(given) {
    status = given;
    keepTime(given.now);
    if (views[place.name].live && (data !== null || !views[place.name].load)) draw();
    else drawLight();
  },
  alive: () => setLost(false),
  lost: () => setLost(true),
  denied: () => expired(),
};

// The session has ended, or what was open is not any more.
async function expired() {
  endLive();
  await begin().catch(() => startLive(live));
}

async function begin() {
  await loadSession();
  await goOn();
}

async function goOn() {
  drawBar();
  if (!may("read")) {
    endLive();
    drawSignIn();
    return;
  }
  startLive(live);
  await navigate();
}

const sessionMs = 15000;

// A session may end while nobody asks for anything: a stream that is open goes on, and says nothing of it.
async function checkSession() {
  if (document.hidden || !lost.hidden || !may("read")) return;
  const before = JSON.stringify(who());
  try {
    await loadSession();
  } catch {
    return; // the line is lost: live.js says so
  }
  if (JSON.stringify(who()) !== before) await begin();
}

// What the server has rendered stays until it answers again.
async function start() {
  document.documentElement.classList.toggle("wall", isWall);
  for (;;) {
    try {
      await Promise.all([useLanguage(), loadSession()]);
      break;
    } catch {
      lost.hidden = false;
      lost.textContent = "No answer from the line server.";
      await new Promise((again) => setTimeout(again, 1000));
    }
  }
  setLost(false);
  whenDenied(() => { if (may("read")) expired(); });
  addEventListener("hashchange", navigate);
  let resized;
  addEventListener("resize", () => { clearTimeout(resized); resized = setTimeout(() => { if (place.name === "line") draw(); }, 100); });
  setInterval(checkSession, sessionMs);
  if (placeOfHash().name !== "line") show(main, el("p", {}, t("loading"))); // what the server has rendered is the line
  await goOn();
}

await start();
