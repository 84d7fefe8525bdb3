// @ts-check
// The questions of the page, read when they are needed. Each text is packed as the numbers of its
// phrases, a list of texts as such texts with spaces between them.

const LIST_FIELDS = ["choices", "mistakes", "about"];
const DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-_";

/** @returns {QuizQuestion[]} */
function unpackedQuestions({ phrases, wide, keys, records }) {
  const number = (digits) => [...digits].reduce((sum, digit) => sum * DIGITS.length + DIGITS.indexOf(digit), 0);
  const each = new RegExp(`.{${wide}}`, "g");
  const text = (numbers) => (numbers.match(each) ?? []).map((digits) => phrases[number(digits)]).join(" ");
  const read = (key, value) => {
    if (key === "answers") return value;
    if (key === "hard") return Boolean(value);
    if (LIST_FIELDS.includes(key)) return value.length ? value.split(" ").map(text) : [];
    return text(value);
  };
  return records.map((record) =>
    Object.fromEntries(keys.map((key, place) => [key, read(key, record[place])])),
  );
}

/** @type {QuizQuestion[] | null} */
let unpacked = null;

// Every question of the page.
function questionBank() {
  unpacked ??= unpackedQuestions(CONTENT.quiz);
  return unpacked;
}
