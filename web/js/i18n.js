// The reader's language: what was chosen in the corner, else what the browser asks for.  One file a language, every key in each.

export const languages = { en: "English", de: "Deutsch", es: "Español", vi: "Tiếng Việt", zh: "简体中文" };

let texts = {};
let language = "en";

function remembered() {
  try {
    return localStorage.getItem("language");
  } catch {
    return null; // storage may be forbidden
  }
}

function wanted() {
  for (const tag of [remembered(), ...navigator.languages]) {
    const code = (tag || "").toLowerCase().split("-")[0];
    if (Object.hasOwn(languages, code)) return code;
  }
  return "en";
}

export async function useLanguage(code = wanted()) {
  const answer = await fetch(`/lang/${code}.json`, { headers: { "X-Refresh": "1" } });
  if (!answer.ok) throw new Error(`lang/${code}.json: ${answer.status}`);
  texts = await answer.json();
  language = code;
  document.documentElement.lang = code === "zh" ? "zh-Hans" : code;
}

export function chooseLanguage(code) {
  try {
    localStorage.setItem("language", code);
  } catch {
    // then for this visit only
  }
  return useLanguage(code);
}

export const currentLanguage = () => language;
// For numbers and times: the reader's own country, where it speaks that language.
export const locale = () => navigator.languages.find((tag) => tag.toLowerCase().split("-")[0] === language) || (language === "zh" ? "zh-CN" : language);
export const knows = (key) => Object.hasOwn(texts, key);

// The text of a key, with values in place of {names}.
export function t(key, values = {}) {
  if (!knows(key)) return key;
  return texts[key].replace(/\{(\w+)\}/g, (all, name) => (Object.hasOwn(values, name) ? String(values[name]) : all));
}

// The text for what the server names, or the server's own word for it.
export const word = (prefix, name, otherwise = name) => (knows(`${prefix}.${name}`) ? t(`${prefix}.${name}`) : otherwise);
