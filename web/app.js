// Keeps the page true: fetches it again and puts in what the server rendered.
// The server renders once, for browsers with and without script alike.
const every = 2000;
const live = document.getElementById("live");
const lost = document.getElementById("lost");

async function refresh() {
  try {
    const answer = await fetch("/", { cache: "no-store", signal: AbortSignal.timeout(5000) });
    if (!answer.ok) throw new Error(answer.statusText);
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    live.replaceChildren(...page.getElementById("live").childNodes);
    lost.hidden = true;
  } catch {
    lost.hidden = false;
  }
  setTimeout(refresh, every);
}

setTimeout(refresh, every);
