// @ts-check
// The questions of the page. Each text is packed as the numbers of its phrases.

const LIST_FIELDS = ["choices", "mistakes", "about"];
const PLAIN_FIELDS = ["answers", "hard"];

/** @returns {QuizQuestion[]} */
function unpackedQuestions({ phrases, keys, records }) {
  const text = (numbers) => [numbers].flat().map((number) => phrases[number]).join(" ");
  const read = (key, value) => {
    if (PLAIN_FIELDS.includes(key)) return value;
    return LIST_FIELDS.includes(key) ? value.map(text) : text(value);
  };
  return records.map((record) =>
    Object.fromEntries(keys.map((key, place) => [key, read(key, record[place])])),
  );
}

CONTENT.quiz = unpackedQuestions(CONTENT.quiz);
