"use strict";
// State: the answers, the undo history, the filters, and where the browser keeps them.

const REVIEW = JSON.parse(document.getElementById("review").textContent);
const ITEMS = REVIEW.items;
const CLASSES = REVIEW.classes;
const FOLDED = CLASSES.map((one) => folded(one.n));
const STATUSES = ["confirmed", "corrected", "other product", "unusable"];
const KEY = `shelfvision-review-${REVIEW.digest}`;
const MOST_CHANGES = 3000;

// `answers` maps the number of an item to [status, number of the class or -1].
const state = {
  answers: new Map(), comments: new Map(), history: [], at: 0,
  filters: { status: "all", label: -1, low: 0, high: 100 },
  shortcuts: true, unsaved: false, kept: true,
};
let matches = ITEMS.map((_, number) => number);

function cellOf(one) { return one.c ?? one.n; }
function predictedOf(item) { return item.g.length ? item.g[0][0] : -1; }
function confidenceOf(item) { return item.g.length ? item.g[0][1] : null; }
function statusOf(number) { return state.answers.get(number)?.[0] ?? null; }

function keep() {
  const text = JSON.stringify({
    answers: [...state.answers], comments: [...state.comments], history: state.history,
    at: state.at, filters: state.filters, shortcuts: state.shortcuts, unsaved: state.unsaved,
  });
  try {
    localStorage.setItem(KEY, text);
    state.kept = true;
  } catch {
    // Blocked, full, or not available for files: the page goes on in memory.
    state.kept = false;
  }
}

function restore() {
  let found = null;
  try {
    found = JSON.parse(localStorage.getItem(KEY) ?? "null");
    state.kept = true;
  } catch (error) {
    // Text that is no JSON is overwritten with the next answer.
    state.kept = error instanceof SyntaxError;
  }
  const list = (value) => (Array.isArray(value) ? value.filter(Array.isArray) : []);
  const inside = (number) => Number.isInteger(number) && number >= 0 && number < ITEMS.length;
  state.answers = new Map(list(found?.answers).filter(([number, answer]) => inside(number) && isAnswer(answer)));
  state.comments = new Map(list(found?.comments).filter(([number, text]) => inside(number) && typeof text === "string"));
  state.history = (Array.isArray(found?.history) ? found.history : []).filter((one) => inside(one?.at) && list(one.was).every(([number]) => inside(number)));
  state.at = inside(found?.at) ? found.at : 0;
  state.filters = filtersOf(found?.filters ?? {});
  state.shortcuts = found?.shortcuts !== false;
  state.unsaved = found?.unsaved === true;
}

function filtersOf({ status, label, low, high }) {
  const percentage = (value, other) => (Number.isFinite(value) && value >= 0 && value <= 100 ? value : other);
  return {
    status: ["open", "reviewed", ...STATUSES].includes(status) ? status : "all",
    label: Number.isInteger(label) && label < CLASSES.length ? label : -1,
    low: percentage(low, 0), high: percentage(high, 100),
  };
}

function isAnswer(answer) {
  return Array.isArray(answer) && STATUSES.includes(answer[0]) && answer[1] >= -1 && answer[1] < CLASSES.length;
}

/** Record what some items were, so that one undo brings all of them back. */
function remember(numbers) {
  const was = numbers.map((number) => [number, state.answers.get(number) ?? null, state.comments.get(number) ?? ""]);
  state.history.push({ at: state.at, was });
  let changes = state.history.reduce((sum, one) => sum + one.was.length, 0);
  while (changes > MOST_CHANGES && state.history.length > 1) changes -= state.history.shift().was.length;
}

function answer(number, status, label) {
  remember([number]);
  state.answers.set(number, [status, label]);
  state.unsaved = true;
}

function choose(number, label) {
  answer(number, label === predictedOf(ITEMS[number]) ? "confirmed" : "corrected", label);
}

function comment(number, text) {
  if (text) state.comments.set(number, text); else state.comments.delete(number);
  state.unsaved ||= state.answers.has(number);
}

/** Take the last change back; return the item it was made on, or null. */
function undo() {
  const last = state.history.pop();
  if (last === undefined) return null;
  for (const [number, before, text] of last.was) {
    if (before === null) state.answers.delete(number); else state.answers.set(number, before);
    // An answer leaves the comment alone, and so does taking it back.
    if (last.was.length > 1) comment(number, text);
  }
  state.unsaved = true;
  return last.was.length === 1 ? last.was[0][0] : last.at;
}

function fits(number) {
  const { status, label, low, high } = state.filters, item = ITEMS[number];
  const own = statusOf(number), share = confidenceOf(item);
  if (status === "open" ? own !== null : status === "reviewed" ? own === null : status !== "all" && own !== status) return false;
  if (label >= 0 && predictedOf(item) !== label) return false;
  if (share === null) return low <= 0 && high >= 100;
  return 100 * share >= low - 1e-9 && 100 * share <= high + 1e-9;
}

function filterItems() {
  matches = [];
  ITEMS.forEach((_, number) => { if (fits(number)) matches.push(number); });
}

/** Return the next item without an answer, after `number` and then from the start; -1 if none. */
function nextOpen(number) {
  const place = matches.indexOf(number);
  const order = [...matches.slice(place + 1), ...matches.slice(0, place + 1)];
  return order.find((one) => !state.answers.has(one)) ?? -1;
}

function corrections() {
  const rows = [["id", "label", "status", "comment"]];
  ITEMS.forEach((item, number) => {
    const found = state.answers.get(number);
    if (!found) return;
    const [status, label] = found;
    rows.push([cellOf(item), label < 0 ? "" : cellOf(CLASSES[label]), status, toCell(state.comments.get(number) ?? "")]);
  });
  return toCsv(rows);
}

/** Take the rows of a file of corrections; return a sentence that says what was read. */
function takeCorrections(text) {
  const [head, ...rows] = fromCsv(text);
  const columns = (head ?? []).map((name) => name.trim().toLowerCase());
  const [id, label, status, note] = ["id", "label", "status", "comment"].map((name) => columns.indexOf(name));
  if (id < 0 || label < 0 || status < 0) throw new Error("its first line must name the columns id, label and status");
  const items = new Map(ITEMS.map((item, number) => [key(cellOf(item)), number]));
  const classes = new Map(CLASSES.map((one, number) => [key(cellOf(one)), number]));
  const found = new Map(), faults = { unknown: 0, label: 0, status: 0, twice: 0 };
  for (const row of rows) {
    const number = items.get(key(row[id] ?? ""));
    const said = (row[status] ?? "").trim().toLowerCase();
    const product = classes.get(key(row[label] ?? "")) ?? -1;
    const named = said === "corrected" || said === "confirmed";
    if (number === undefined) faults.unknown += 1;
    else if (!STATUSES.includes(said)) faults.status += 1;
    else if (named && product < 0) faults.label += 1;
    else {
      if (found.has(number)) faults.twice += 1;
      const right = named ? (product === predictedOf(ITEMS[number]) ? "confirmed" : "corrected") : said;
      found.set(number, [[right, named ? product : -1], fromCell(row[note] ?? "").slice(0, 2000)]);
    }
  }
  if (found.size) remember([...found.keys()]);
  for (const [number, [given, text]] of found) { state.answers.set(number, given); comment(number, text); }
  return summaryOf(found.size, faults);
}

function key(cell) { return fromCell(cell.trim()).normalize("NFC").trim(); }

function summaryOf(count, faults) {
  const parts = [`${counted(count, "correction")} read`];
  if (faults.unknown) parts.push(`${counted(faults.unknown, "row")} skipped: not a photo of this page`);
  if (faults.label) parts.push(`${counted(faults.label, "row")} skipped: no such class`);
  if (faults.status) parts.push(`${counted(faults.status, "row")} skipped: unknown status`);
  if (faults.twice) parts.push(`${counted(faults.twice, "photo")} listed twice: the last row counts`);
  return `${parts.join("; ")}.`;
}
