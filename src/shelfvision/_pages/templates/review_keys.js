"use strict";
// Actions: what keys, buttons, touch and files do.

let changes = 0;

/** Answer the current photo with a class, and go to the next one without an answer. */
function act(label, status = "") {
  const number = state.at;
  if (label === undefined || matches.length === 0) return;
  if (label >= 0) choose(number, label); else answer(number, status, -1);
  advance(number);
}

function advance(number) {
  const said = `${answerText(number)}. ${state.answers.size} of ${ITEMS.length} reviewed.`;
  const next = nextOpen(number);
  say("");
  if (next >= 0) state.at = next;
  keep();
  show();
  if (next < 0) {
    showFinished("All photos of this selection are reviewed");
    $("finished").focus();
  }
  announce(next < 0 ? `${said} All photos of this selection are reviewed.` : `${said} Next: ${sentenceOf(next)}`);
}

function sentenceOf(number) {
  const item = ITEMS[number], guess = item.g[0];
  return guess ? `${item.n}, ${CLASSES[guess[0]].n}, ${percent(guess[1])}` : item.n;
}

function go(number) {
  if (number === undefined) return;
  state.at = number;
  keep();
  show();
  announce(`${sentenceOf(number)}, ${answerText(number)}`);
}

function step(by) {
  const place = matches.indexOf(state.at);
  // From the end of a selection, one step back shows its last photo.
  if (!$("finished").hidden) { show(); return; }
  go(matches[Math.max(0, Math.min(place + by, matches.length - 1))]);
}

function takeBack() {
  const number = undo();
  if (number === null) return;
  if (!matches.includes(number)) { matches.push(number); matches.sort((a, b) => a - b); }
  say("");
  go(number);
  announce(`Undone. ${sentenceOf(number)}`);
}

function applyFilters() {
  const share = (id, other) => { const given = $(id).valueAsNumber; return Number.isFinite(given) ? Math.max(0, Math.min(100, given)) : other; };
  state.filters = { status: $("by-status").value, label: Number($("by-label").value), low: share("from", 0), high: share("to", 100) };
  filterItems();
  if (!matches.includes(state.at)) state.at = matches.find((number) => !state.answers.has(number)) ?? matches[0] ?? state.at;
  keep();
  show();
  announce(`${counted(matches.length, "photo")} in this selection.`);
}

function clearFilters(status = "all") {
  state.filters = { status, label: -1, low: 0, high: 100 };
  for (const id of ["from", "to"]) $(id).blur();
  filterItems();
  state.at = matches.find((number) => !state.answers.has(number)) ?? matches[0] ?? 0;
  keep();
  show();
}

function download() {
  const text = corrections();
  // Spreadsheets take a file without the mark for one of their own encodings.
  const mark = /^[\x00-\x7f]*$/.test(text) ? "" : "\ufeff";
  const link = make("a", { href: URL.createObjectURL(new Blob([mark, text], { type: "text/csv" })), download: "corrections.csv" });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60000);
  state.unsaved = false;
  keep();
  say(`corrections.csv: ${counted(state.answers.size, "correction")}.`);
}

async function upload(file) {
  if (!file) return;
  try {
    if (file.size > 64 * 1024 * 1024) throw new Error("it is larger than 64 MB");
    const said = takeCorrections(decoded(new Uint8Array(await file.arrayBuffer())));
    const open = nextOpen(-1);
    if (open >= 0) state.at = open;
    keep();
    show();
    say(said);
  } catch (error) {
    say(`${file.name} is not a file of corrections: ${error.message}.`, "warning");
  }
  $("file").value = "";
}

function isField(node) {
  return node instanceof HTMLElement && (node.matches("textarea, select, input[type=text], input[type=number]"));
}

const KEYS = {
  ArrowRight: () => step(1), ArrowLeft: () => step(-1),
  Home: () => go(matches[0]), End: () => go(matches.at(-1)),
  "/": () => $("search").focus(), c: () => $("comment").focus(),
  o: () => act(-1, "other product"), x: () => act(-1, "unusable"),
  u: takeBack, n: () => { const next = nextOpen(state.at); if (next >= 0) go(next); },
  z: () => document.body.classList.toggle("zoomed"), d: () => { if (state.answers.size) download(); },
};

function onKey(event) {
  if (event.key === "Escape") {
    if (isField(document.activeElement)) { endSearch(); document.activeElement.blur(); }
    document.body.classList.remove("zoomed");
    return;
  }
  if (event.ctrlKey || event.metaKey || event.altKey || isField(event.target) || event.isComposing) return;
  const arrows = /^(Arrow|Home|End)/.test(event.key);
  if (!state.shortcuts && !arrows) return;
  const ended = !$("finished").hidden;
  if (/^[1-9]$/.test(event.key)) {
    if (!ended) act(ITEMS[state.at].g[Number(event.key) - 1]?.[0]);
  } else {
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    if (!Object.hasOwn(KEYS, key) || (ended && "oxc/".includes(key))) return;
    KEYS[key]();
  }
  event.preventDefault();
}

function onSearchKey(event) {
  if (event.key === "ArrowDown" || event.key === "ArrowUp") moveHit(event.key === "ArrowDown" ? 1 : -1);
  else if (event.key === "Enter") {
    const chosen = $("hits").querySelector("[aria-selected=true]");
    if (chosen) { endSearch(); act(Number(chosen.dataset.label)); }
  } else return;
  event.preventDefault();
}

function listenToSearch() {
  $("search").addEventListener("focus", () => showHits(true));
  $("search").addEventListener("blur", () => showHits(false));
  $("search").addEventListener("input", () => showHits(true));
  $("search").addEventListener("keydown", onSearchKey);
}

function listenToTouch() {
  let start = null;
  $("picture").addEventListener("touchstart", (event) => { start = event.touches.length === 1 ? event.touches[0] : null; }, { passive: true });
  $("picture").addEventListener("touchend", (event) => {
    const end = event.changedTouches[0];
    if (start && Math.abs(end.clientX - start.clientX) > 60 && Math.abs(end.clientY - start.clientY) < 60) step(end.clientX < start.clientX ? 1 : -1);
    start = null;
  }, { passive: true });
}

function listen() {
  document.addEventListener("keydown", onKey);
  $("before").addEventListener("click", () => step(-1));
  $("after").addEventListener("click", () => step(1));
  $("other").addEventListener("click", () => act(-1, "other product"));
  $("unusable").addEventListener("click", () => act(-1, "unusable"));
  $("undo").addEventListener("click", takeBack);
  $("frame").addEventListener("click", () => document.body.classList.toggle("zoomed"));
  for (const id of ["download", "save"]) $(id).addEventListener("click", download);
  $("rest").addEventListener("click", () => clearFilters("open"));
  $("upload").addEventListener("click", () => $("file").click());
  $("file").addEventListener("change", () => upload($("file").files[0]));
  $("filters").addEventListener("input", applyFilters);
  $("filters").addEventListener("reset", (event) => { event.preventDefault(); clearFilters(); $("by-status").focus(); });
  $("filters").addEventListener("submit", (event) => event.preventDefault());
  $("comment").addEventListener("input", () => {
    comment(state.at, $("comment").value);
    clearTimeout(changes);
    changes = setTimeout(keep, 300);
  });
  $("comment").addEventListener("blur", keep);
  $("shortcuts").addEventListener("change", () => { state.shortcuts = $("shortcuts").checked; keep(); });
  window.addEventListener("storage", (event) => { if (event.key === KEY) { restore(); show(); } });
  window.addEventListener("beforeunload", (event) => { if (!state.kept && state.unsaved) event.preventDefault(); });
  listenToSearch();
  listenToTouch();
}

function start() {
  restore();
  makeGuesses();
  makeFilters();
  filterItems();
  const inside = matches.includes(state.at) && !state.answers.has(state.at);
  if (!inside) state.at = matches.find((number) => !state.answers.has(number)) ?? matches[0] ?? 0;
  $("shortcuts").checked = state.shortcuts;
  keep();
  listen();
  show();
  document.documentElement.dataset.ready = "true";
}

start();
