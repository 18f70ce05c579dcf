"use strict";
// Text: the cells of corrections.csv, its rows, and the search for class names.
//
// Cells follow the rules of shelfvision._text.csv_cell, which from_csv_cell undoes exactly: an
// apostrophe before a formula, and escapes such as \x1b for what nobody can see.

// What Python calls white space; JavaScript's \s is another set.
const SPACE = "\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000";
const FORMULA = "=+\\-@\\uff1d\\uff0b\\uff0d\\uff20";
const START = new RegExp(`^(?=[${SPACE}']*[${FORMULA}])`, "u");
const INSIDE = new RegExp(`(?<=[;\\t\\r\\n])(?=[ ']*[${FORMULA}])`, "gu");
const GUARDED_START = new RegExp(`^'(?=[${SPACE}']*[${FORMULA}])`, "u");
const GUARDED_INSIDE = new RegExp(`(?<=[;\\t\\r\\n])'(?=[ ']*[${FORMULA}])`, "gu");
const ESCAPE = /\\(?:x([0-9a-f]{2})|u([0-9a-f]{4})|U([0-9a-f]{8}))/g;
const ESCAPE_HERE = new RegExp(ESCAPE.source, "y");
const VISIBLE = /^[\p{L}\p{N}\p{P}\p{S}\p{M}\p{Zs}\n]$/u;
const IGNORED = /^[\p{Default_Ignorable_Code_Point}\u2800]$/u;
const JOINERS = /^[\u200c\u200d\ufe0e\ufe0f]$/u;
const JOINED = /^[\p{L}\p{M}\p{Extended_Pictographic}]$/u;

/** Return a text as a cell that a spreadsheet does not evaluate. */
function toCell(text) {
  const letters = Array.from(text.replace(START, "'").replace(INSIDE, "'"));
  let place = 0;
  const plain = letters.join("");
  return letters.map((letter, number) => {
    const at = place;
    place += letter.length;
    return staysInCell(letters, number, plain, at) ? letter : escaped(letter);
  }).join("");
}

function staysInCell(letters, number, plain, at) {
  const letter = letters[number];
  if (letter === "\\") {
    ESCAPE_HERE.lastIndex = at;
    const found = ESCAPE_HERE.exec(plain);
    return found === null || unescaped(...found) === found[0];
  }
  if (JOINERS.test(letter)) {
    const before = letters[number - 1] ?? "", after = letters[number + 1] ?? "";
    const selects = letter >= "\ufe00";
    return before > "\x7f" && JOINED.test(before) && (selects || (after > "\x7f" && JOINED.test(after)));
  }
  return VISIBLE.test(letter) && !IGNORED.test(letter);
}

function escaped(letter) {
  const hex = letter.codePointAt(0).toString(16);
  if (hex.length <= 2) return `\\x${hex.padStart(2, "0")}`;
  return hex.length <= 4 ? `\\u${hex.padStart(4, "0")}` : `\\U${hex.padStart(8, "0")}`;
}

function unescaped(found, two, four, eight) {
  const number = parseInt(two ?? four ?? eight, 16);
  if (number > 0x10ffff) return found;
  const letter = String.fromCodePoint(number);
  return letter === "\\" || number < 0x20 || number > 0x7e ? letter : found;
}

/** Return the text of a cell that `toCell` wrote. */
function fromCell(cell) {
  return cell.replace(ESCAPE, unescaped).replace(GUARDED_START, "").replace(GUARDED_INSIDE, "");
}

/** Return rows of cells as CSV by RFC 4180. */
function toCsv(rows) {
  // Readers may drop spaces at the start of a field that has no quotes.
  const field = (cell) => (/[",\r\n]|^\s|\s$/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell);
  return rows.map((row) => `${row.map(field).join(",")}\r\n`).join("");
}

/** Return the rows of a CSV text; a spreadsheet may have written other delimiters. */
function fromCsv(text) {
  text = text.replace(/^\ufeff/, "");
  const first = text.slice(0, text.search(/[\r\n]|$/));
  const delimiter = [",", ";", "\t"].reduce((best, one) =>
    first.split(one).length > first.split(best).length ? one : best);
  const rows = [];
  let row = [], cell = "", quoted = false, place = 0;
  const endOfCell = () => { row.push(cell); cell = ""; };
  const endOfRow = () => { endOfCell(); if (row.some((one) => one !== "")) rows.push(row); row = []; };
  for (; place < text.length; place += 1) {
    const letter = text[place];
    if (quoted) {
      if (letter !== '"') cell += letter;
      else if (text[place + 1] === '"') { cell += '"'; place += 1; } else quoted = false;
    } else if (letter === '"' && cell.trim() === "") { cell = ""; quoted = true; }
    else if (letter === delimiter) endOfCell();
    else if (letter === "\n" || letter === "\r") {
      if (letter === "\r" && text[place + 1] === "\n") place += 1;
      endOfRow();
    } else cell += letter;
  }
  if (quoted) throw new Error("a quote is not closed");
  if (cell !== "" || row.length) endOfRow();
  return rows;
}

/** Return the text of a file: UTF-8, or UTF-16 with a byte order mark. */
function decoded(bytes) {
  const [one, two] = bytes;
  const wide = one === 0xff && two === 0xfe ? "utf-16le" : one === 0xfe && two === 0xff ? "utf-16be" : "";
  return new TextDecoder(wide || "utf-8", { fatal: true }).decode(bytes);
}

/** Return a name without case, accents and punctuation, for the search. */
function folded(text) {
  return text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase().replace(/[\s_\-]+/g, " ").trim();
}

/** Return the numbers of the names that contain all words, the best first. */
function searched(names, query) {
  const words = folded(query).split(" ").filter(Boolean);
  const ranked = [];
  names.forEach((name, number) => {
    if (!words.every((word) => name.includes(word))) return;
    const starts = words.filter((word) => name.startsWith(word) || name.includes(` ${word}`)).length;
    ranked.push([words.length && name.startsWith(words[0]) ? 0 : 1, -starts, number]);
  });
  ranked.sort((a, b) => a[0] - b[0] || a[1] - b[1] || a[2] - b[2]);
  return ranked.map((one) => one[2]);
}

function percent(share) {
  if (share > 0 && share < 0.005) return "<1 %";
  return share >= 0.995 && share < 1 ? ">99 %" : `${Math.round(100 * share)} %`;
}

function counted(number, noun) {
  return `${number.toLocaleString("en")} ${noun}${number === 1 ? "" : "s"}`;
}
