"use strict";
// View: what is shown of the state. Only the current photo and a few neighbours are in the page.

const $ = (id) => document.getElementById(id);
const WINDOW = 11;
const MOST_HITS = 60;
const guessButtons = [];
const tiles = new Map();

function make(tag, properties = {}, ...children) {
  const node = Object.assign(document.createElement(tag), properties);
  node.append(...children);
  return node;
}

function uriOf(item) { return `data:image/jpeg;base64,${item.p}`; }

function makeGuesses() {
  const count = ITEMS.reduce((most, item) => Math.max(most, item.g.length), 0);
  for (let place = 0; place < count; place += 1) {
    const name = make("bdi"), share = make("span", { className: "share" });
    const parts = place < 9 ? [make("kbd", { textContent: place + 1 })] : [make("span")];
    const button = make("button", { type: "button", className: "guess" }, ...parts, name, share);
    if (place < 9) button.setAttribute("aria-keyshortcuts", place + 1);
    button.addEventListener("click", () => act(ITEMS[state.at].g[place]?.[0]));
    guessButtons.push({ button, name, share });
    $("guesses").append(button);
  }
  $("last-key").textContent = Math.min(count, 9);
}

function makeFilters() {
  const counts = new Map();
  for (const item of ITEMS) counts.set(predictedOf(item), (counts.get(predictedOf(item)) ?? 0) + 1);
  const options = CLASSES.map((one, number) => [one.n, number]).filter(([, number]) => counts.has(number));
  options.sort((a, b) => a[0].localeCompare(b[0]));
  for (const [name, number] of options) {
    const text = name.length > 60 ? `${name.slice(0, 59)}…` : name;
    $("by-label").append(make("option", { value: number, textContent: `${text} (${counts.get(number)})` }));
  }
}

function showFilters() {
  const { status, label, low, high } = state.filters;
  $("by-status").value = status;
  $("by-label").value = label;
  if (document.activeElement !== $("from")) $("from").value = low;
  if (document.activeElement !== $("to")) $("to").value = high;
  const all = status === "all" && label < 0 && low <= 0 && high >= 100;
  $("clear").hidden = all;
  $("found").textContent = all ? "" : `${matches.length.toLocaleString("en")} of ${counted(ITEMS.length, "photo")}`;
}

function showProgress() {
  const done = state.answers.size;
  $("bar").max = Math.max(ITEMS.length, 1);
  $("bar").value = done;
  $("done").textContent = `${done.toLocaleString("en")} of ${ITEMS.length.toLocaleString("en")} reviewed`;
  $("undo").disabled = state.history.length === 0;
  $("download").disabled = done === 0;
  if (!state.kept) say("This browser keeps nothing for this page. Download the corrections before you close it.", "warning");
}

function say(text, kind = "") {
  $("message").hidden = !text;
  $("message").className = kind;
  $("message").textContent = text;
}

function announce(text) { $("live").textContent = text; }

function answerText(number) {
  const found = state.answers.get(number);
  if (!found) return "not reviewed";
  return found[1] < 0 ? found[0] : `${found[0]}: ${CLASSES[found[1]].n}`;
}

function showPicture(item) {
  const photo = $("photo");
  $("frame").hidden = !item.p;
  $("gone").hidden = Boolean(item.p);
  $("gone").textContent = item.p ? "" : `This photo cannot be read. ${item.e ?? ""}`;
  $("box").hidden = !item.b;
  if (!item.p) { photo.removeAttribute("src"); return; }
  photo.width = item.w;
  photo.height = item.h;
  $("frame").style.setProperty("--ratio", item.w / item.h);
  if (photo.src !== uriOf(item)) photo.src = uriOf(item);
  photo.alt = `Photo ${item.n}`;
  if (item.b) {
    const [left, top, right, bottom] = item.b;
    Object.assign($("box").style, {
      left: `${100 * left}%`, top: `${100 * top}%`, width: `${100 * (right - left)}%`, height: `${100 * (bottom - top)}%`,
    });
  }
}

function showGuesses(item, chosen) {
  guessButtons.forEach(({ button, name, share }, place) => {
    const guess = item.g[place];
    button.hidden = !guess;
    if (!guess) return;
    const text = CLASSES[guess[0]].n;
    if (name.textContent !== text) name.textContent = button.title = text;
    share.textContent = percent(guess[1]);
    button.style.setProperty("--share", `${Math.round(100 * guess[1])}%`);
    button.setAttribute("aria-pressed", chosen === guess[0]);
  });
}

function showAnswers(number) {
  const item = ITEMS[number], found = state.answers.get(number);
  const [status, label] = found ?? [null, -1];
  $("name").textContent = item.n;
  $("name").title = item.n;
  $("question").textContent = found ? answerText(number) : "Which product is it?";
  $("question").className = status ? status.replace(" ", "-") : "";
  showGuesses(item, label);
  $("other").setAttribute("aria-pressed", status === "other product");
  $("unusable").setAttribute("aria-pressed", status === "unusable");
  const other = label >= 0 && !item.g.some((guess) => guess[0] === label);
  $("search").placeholder = other ? CLASSES[label].n : `Search all ${CLASSES.length.toLocaleString("en")} classes`;
  $("search").classList.toggle("chosen", other);
  if (document.activeElement !== $("comment")) $("comment").value = state.comments.get(number) ?? "";
  const place = matches.indexOf(number);
  $("place").textContent = place < 0 ? "not in this selection" : `${(place + 1).toLocaleString("en")} of ${matches.length.toLocaleString("en")}`;
  $("before").disabled = place <= 0;
  $("after").disabled = place < 0 || place >= matches.length - 1;
}

function tileOf(number) {
  let tile = tiles.get(number);
  if (!tile) {
    const item = ITEMS[number];
    const inner = item.p ? make("img", { src: uriOf(item), alt: "" }) : make("span", { textContent: "?" });
    if (item.b) {
      const [left, top, right, bottom] = item.b.map((edge) => 100 * edge);
      inner.style.objectViewBox = `inset(${top}% ${100 - right}% ${100 - bottom}% ${left}%)`;
    }
    const button = make("button", { type: "button" }, inner);
    button.addEventListener("click", () => { go(number); button.focus(); });
    tile = { node: make("li", {}, button), button };
    tiles.set(number, tile);
  }
  const own = statusOf(number), current = number === state.at;
  tile.node.className = own ? own.replace(" ", "-") : "";
  tile.button.setAttribute("aria-label", `${ITEMS[number].n}, ${answerText(number)}`);
  tile.button.title = ITEMS[number].n;
  tile.button.tabIndex = current ? 0 : -1;
  if (current) tile.button.setAttribute("aria-current", "true"); else tile.button.removeAttribute("aria-current");
  return tile.node;
}

function showStrip() {
  const place = Math.max(matches.indexOf(state.at), 0);
  const first = Math.max(0, Math.min(place - WINDOW, matches.length - 2 * WINDOW - 1));
  const shown = matches.slice(first, first + 2 * WINDOW + 1);
  const inside = $("strip").contains(document.activeElement);
  for (const number of tiles.keys()) if (!shown.includes(number)) tiles.delete(number);
  $("strip").replaceChildren(...shown.map(tileOf));
  // Nodes that are put in again lose the focus.
  if (inside) tiles.get(state.at)?.button.focus({ preventScroll: true });
  const own = tiles.get(state.at)?.node, strip = $("strip");
  if (own) strip.scrollLeft = own.offsetLeft - (strip.clientWidth - own.offsetWidth) / 2;
}

function show() {
  const finished = matches.length === 0;
  $("finished").hidden = !finished;
  $("picture").hidden = $("answers").hidden = finished;
  showProgress();
  showFilters();
  showStrip();
  if (finished) { showFinished("No photos match these filters"); return; }
  showPicture(ITEMS[state.at]);
  showAnswers(state.at);
}

function showFinished(title) {
  $("finished").hidden = false;
  $("picture").hidden = $("answers").hidden = true;
  $("finished").firstChild.textContent = title;
  const left = ITEMS.length - state.answers.size;
  const counts = STATUSES.map((status) => [status, [...state.answers.values()].filter((one) => one[0] === status).length]);
  const said = counts.filter((pair) => pair[1]).map(([status, count]) => `${count.toLocaleString("en")} ${status}`);
  $("summary").textContent = `${said.join(", ") || "Nothing is reviewed yet"}${left ? `; ${left.toLocaleString("en")} to review` : ""}.`;
  $("rest").hidden = left === 0;
  $("save").hidden = state.answers.size === 0;
}

function showHits(open) {
  const list = $("hits"), search = $("search");
  list.hidden = !open;
  $("answers").classList.toggle("searching", open);
  const room = window.innerHeight - search.getBoundingClientRect().bottom - 16;
  list.style.maxHeight = `${Math.max(160, Math.min(420, room))}px`;
  search.setAttribute("aria-expanded", open);
  if (!open) { search.removeAttribute("aria-activedescendant"); list.replaceChildren(); return; }
  const found = searched(FOLDED, search.value);
  const entries = found.slice(0, MOST_HITS).map((label, place) => {
    const entry = make("li", { id: `hit-${place}`, title: CLASSES[label].n }, make("bdi", { textContent: CLASSES[label].n }));
    entry.setAttribute("role", "option");
    entry.setAttribute("aria-selected", place === 0);
    // A press would take the focus from the field before the click comes.
    entry.addEventListener("mousedown", (event) => event.preventDefault());
    entry.addEventListener("click", () => { endSearch(); act(label); });
    entry.dataset.label = label;
    return entry;
  });
  const more = found.length - entries.length;
  if (!found.length || more > 0) {
    const note = make("li", { className: "note", textContent: more > 0 ? `and ${more.toLocaleString("en")} more: type to find them` : "No class has this name. Esc, then O: other product." });
    note.setAttribute("role", "presentation");
    entries.push(note);
  }
  list.replaceChildren(...entries);
  list.scrollTop = 0;
  if (found.length) search.setAttribute("aria-activedescendant", "hit-0"); else search.removeAttribute("aria-activedescendant");
}

function moveHit(step) {
  const options = [...$("hits").querySelectorAll("[role=option]")];
  if (!options.length) return;
  const place = options.findIndex((one) => one.getAttribute("aria-selected") === "true");
  const next = (place + step + options.length) % options.length;
  options.forEach((one, number) => one.setAttribute("aria-selected", number === next));
  options[next].scrollIntoView({ block: "nearest" });
  $("search").setAttribute("aria-activedescendant", options[next].id);
}

function endSearch() {
  $("search").value = "";
  showHits(false);
  $("search").blur();
}
