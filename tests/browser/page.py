"""What stands on the page, as data: for tests that compare it with what the server and the command line say."""


def facts(browser, css="main"):
    """{term: description} of what stands as facts or counts in there; a term that comes twice is the first one's."""
    pairs = browser.js("""
        return [...document.querySelectorAll(`dl:is(${arguments[0]}, :is(${arguments[0]}) *) > div`)].map((row) =>
            [row.querySelector("dt").innerText.trim(), row.querySelector("dd").innerText.trim()]);""", css)
    return {term: what for term, what in reversed(pairs)}


def rows(browser, caption):
    """The cells of the table with that caption, row by row; [] where it says that there are none."""
    return browser.js("""
        const table = [...document.querySelectorAll("table")].find((one) => one.caption?.textContent === arguments[0]);
        if (!table) return null;
        return [...table.tBodies[0].rows].filter((row) => !row.querySelector(".none")).map((row) => [...row.cells].map((cell) => cell.innerText.trim()));
        """, caption)


def when(browser, text, day=True):
    """A time of the server as the page's language writes it: with its day, or as it is written on that day."""
    return browser.js("""
        const [text, day] = arguments;
        const language = navigator.languages.find((tag) => tag.split("-")[0] === document.documentElement.lang.split("-")[0]);
        return new Intl.DateTimeFormat(language, day ? { dateStyle: "medium", timeStyle: "medium" } : { timeStyle: "medium" }).format(new Date(text));
        """, text, day)


def number(browser, value):
    """A number as the page's language writes it."""
    return browser.js("return new Intl.NumberFormat(navigator.languages.find((tag) => tag.split('-')[0] === document.documentElement.lang.split('-')[0]))"
                      ".format(arguments[0])", value)


def settled(browser):
    """Waits until the view has been drawn; what is to be read in it."""
    return browser.wait("the view", lambda: browser.js("return document.querySelector('main h1') !== null") and browser.text("main"))
