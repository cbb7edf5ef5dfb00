// A barcode scanner is a keyboard that types faster than anybody, and ends with Enter or Tab.

const fastMs = 50;
const least = 4; // characters

let count = 0;
let lastAt = 0;

document.addEventListener("keydown", (event) => {
  if (["Enter", "Tab", "Shift"].includes(event.key)) return; // the ends, and what capital letters need
  count = event.key.length === 1 ? (event.timeStamp - lastAt < fastMs ? count + 1 : 1) : 0;
  lastAt = event.timeStamp;
}, true);

document.addEventListener("keydown", (event) => {
  if (event.key === "Enter" || event.key === "Tab") count = 0; // whoever wanted to know has asked
});

// Is this key the end of a scan?
export const endsScan = (event) => (event.key === "Enter" || event.key === "Tab") && count >= least && event.timeStamp - lastAt < fastMs;

// How many characters it brought.
export const scanLength = () => count;

// A badge: a token, which is never shown, searched for or put into an address.  beginsBadge: that much of one.
export const isBadge = (text) => /^lc[a-z][0-9a-v]{52}$/.test(text);
export const beginsBadge = (text) => /^lc[a-z][0-9a-v]{12,}$/.test(text);

// What the label says: without the scanner's own mark of the kind of code (AIM), and without colons in what is hexadecimal.
export function labelOf(text) {
  const label = text.trim().replace(/^\][A-Za-z][0-9A-Za-z]/, "");
  return /^([0-9a-f]{2}:){7,}[0-9a-f]{2}$/i.test(label) ? label.replaceAll(":", "") : label;
}
