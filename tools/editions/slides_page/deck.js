// Starts the deck: slides where there is room for them, a page to scroll where there is none, or where ?page asks for it.
"use strict";

const asked = new URLSearchParams(location.search);
// Printed, or shown in the window of the speaker, slides are slides at any width.
const always = asked.has("print-pdf") || asked.has("receiver");
const narrow = matchMedia("(max-width: 900px)");
// Who dictates says letters by accident: those that nobody needs do nothing, and ?keys=off switches off the others.
const UNUSED = [..."ACGHJKLNOPV"].map((letter) => letter.charCodeAt(0)).concat(58, 59); // and : ;
const USED = [..."BFS"].map((letter) => letter.charCodeAt(0)).concat(63, 190, 191); // and ? and . (of presenters)
const letters = asked.get("keys") !== "off";

window.MathJax = {
  options: { enableMenu: false },
  svg: { fontCache: "local" },
  startup: { pageReady: () => MathJax.startup.defaultPageReady().then(scrolledFormulas) },
};

// What is wide scrolls by itself on a page, which the keyboard can do, too: made small, nobody could read it.
function scrolled(part, name) {
  const wide = document.createElement("div");
  wide.className = "wide";
  wide.tabIndex = 0;
  wide.setAttribute("role", "group");
  wide.setAttribute("aria-label", name);
  part.replaceWith(wide);
  wide.append(part);
}

function scrolledFormulas() {
  for (const formula of document.querySelectorAll(".page mjx-container[display='true']")) scrolled(formula, "Formula");
}

function asPage() {
  document.documentElement.classList.add("page");
  for (const notes of document.querySelectorAll("aside.notes")) {
    const folded = document.createElement("details");
    folded.innerHTML = "<summary>Notes</summary>";
    folded.append(...notes.childNodes);
    notes.replaceWith(folded);
  }
  for (const table of document.querySelectorAll("table")) scrolled(table, table.caption?.textContent || "Table");
}

// What Reveal lists as keys, with those alone that do something.
const listed = {
  id: "listed",
  init(deck) {
    deck.on("ready", () => {
      const keys = deck.keyboard.getShortcuts();
      for (const key of Object.keys(keys)) delete keys[key];
      Object.assign(keys, { "→, SPACE": "Next slide", "←, Shift SPACE": "Previous slide", ESC: "All slides" });
      if (letters) Object.assign(keys, { F: "Full screen", "B, .": "Black screen, and back" });
      else deck.removeKeyBinding(83);
    });
  },
};

// A screen reader hears the words of a slide from Reveal, and of us what its pictures show, and where it stands.
function tell() {
  document.querySelector(".reveal").removeAttribute("role"); // an application would keep it from reading on
  const status = document.querySelector(".aria-status");
  const add = () => {
    const shown = [...Reveal.getCurrentSlide().querySelectorAll("img:not(aside *)")].map((picture) => picture.alt);
    const place = `Slide ${Reveal.getSlidePastCount() + 1} of ${Reveal.getTotalSlides()}`;
    status.append([" ", ...shown, place].join(" "));
    written.takeRecords();
  };
  const written = new MutationObserver(add); // Reveal writes it some time after it says that the slide has changed
  written.observe(status, { childList: true });
  add();
}

function asSlides() {
  const silent = letters ? UNUSED : [...UNUSED, ...USED];
  const keyboard = Object.fromEntries(silent.map((code) => [code, null]));
  if (letters) keyboard[191] = (event) => event.shiftKey && Reveal.toggleHelp(); // without Shift it is /
  Reveal.initialize({
    plugins: [RevealNotes, RevealZoom, listed],
    keyboard,
    width: 1280,
    height: 720,
    margin: 0.02,
    center: false,
    display: "flex",
    hash: true,
    slideNumber: "c/t",
    transition: "none",
    controlsBackArrows: "visible",
    maxScale: 4,
    scrollActivationWidth: null,
    pdfMaxPagesPerSlide: 1,
  }).then(tell);
}

if (asked.has("page") || (narrow.matches && !always)) asPage();
else asSlides();
if (!always && !asked.has("page")) narrow.addEventListener("change", () => location.reload());
// Other decks are read in the same way.
for (const link of document.querySelectorAll(".slides a[href$='.html']")) {
  if (asked.has("page") || !letters) link.search = location.search;
}
