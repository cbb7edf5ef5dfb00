// The line as it is now: server-sent events of /v1/live, read with fetch so that a refusal can be told from a loss; where they do not come, /v1/status every
// two seconds.  A server that says nothing for so long is asked whether it lives.
import { ask } from "./api.js";

const quietMs = 1800;
const pollMs = 2000;
const firstMs = 4000;

let handlers;
let heardAt = 0;
let running = null; // the AbortController of what runs now

const sleep = (ms, signal) => new Promise((done) => {
  const timer = setTimeout(done, ms);
  signal?.addEventListener("abort", () => { clearTimeout(timer); done(); }, { once: true });
});

function heard(status) {
  heardAt = performance.now();
  handlers.alive();
  if (status) handlers.status(status);
}

// One event of the stream: lines "name: value".
function onEvent(text) {
  let name = "message";
  const data = [];
  for (const line of text.split("\n")) {
    if (line.startsWith("event:")) name = line.slice(6).trim();
    else if (line.startsWith("data:")) data.push(line.slice(5).trimStart());
  }
  heard(name === "status" && data.length > 0 ? JSON.parse(data.join("\n")) : null);
}

class Denied extends Error {}

async function stream(signal) {
  const answer = await fetch("/v1/live", { headers: { Accept: "text/event-stream", "X-Refresh": "1" }, cache: "no-store", signal });
  if (answer.status === 401 || answer.status === 403) throw new Denied();
  if (!answer.ok || !(answer.headers.get("Content-Type") || "").startsWith("text/event-stream")) return false;
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "", any = false;
  const first = setTimeout(() => { if (!any) reader.cancel().catch(() => {}); }, firstMs); // something between us holds the stream back
  for (;;) {
    const { value, done } = await reader.read();
    if (done) break;
    const events = (rest + value).replaceAll("\r\n", "\n").split("\n\n");
    rest = events.pop();
    for (const event of events) onEvent(event);
    any = any || events.length > 0;
  }
  clearTimeout(first);
  return any;
}

async function poll(signal) {
  for (let i = 0; i < 15 && !signal.aborted; i++) { // then the stream is tried again
    heard(await ask("/v1/status", { own: true, signal, timeout: 5000 }));
    await sleep(pollMs, signal);
  }
}

async function run(signal) {
  while (!signal.aborted) {
    try {
      const streamed = await stream(signal);
      if (signal.aborted) return;
      if (streamed) {
        // it ended well: the server stops, or takes us for slow
        await ask("/healthz", { own: true, signal, timeout: 2000 }).catch((failure) => { if (failure.code === "lost") throw failure; });
        await sleep(200, signal);
      } else {
        await poll(signal);
      }
    } catch (failure) {
      if (signal.aborted) return;
      if (failure instanceof Denied || failure.status === 401 || failure.status === 403) {
        handlers.denied();
        return;
      }
      handlers.lost();
      await sleep(1000, signal);
    }
  }
}

async function watch(signal) {
  while (!signal.aborted) {
    await sleep(400, signal);
    if (signal.aborted || performance.now() - heardAt < quietMs) continue;
    try {
      const answer = await fetch("/healthz", { headers: { "X-Refresh": "1" }, cache: "no-store", signal: AbortSignal.timeout(1500) });
      if (answer.ok) heard(null);
    } catch {
      if (signal.aborted) return;
      handlers.lost();
      // the stream of a server that is gone without a word never ends by itself
      restart();
      return;
    }
  }
}

function restart() {
  stopLive();
  if (document.hidden) return; // nobody looks: browsers have few connections to one server
  running = new AbortController();
  heardAt = performance.now();
  run(running.signal);
  watch(running.signal);
}

export function stopLive() {
  running?.abort();
  running = null;
}

let listening = false;

// handlers: status(object), alive(), lost(), denied()
export function startLive(given) {
  handlers = given;
  if (!listening) document.addEventListener("visibilitychange", () => { if (document.hidden) stopLive(); else if (handlers) restart(); });
  listening = true;
  restart();
}

export function endLive() {
  stopLive();
  handlers = null;
}
