/** What of a question is no word of its asker's: pictures and documents, as the scripted model was sent them. */

export interface Question {
  /** What is asked, without them. */
  readonly words: string;
  /** A line for each. */
  readonly pictures: readonly string[];
  readonly documents: readonly string[];
}

/** Before the mark between two lines with which a document stands. */
const documentHead = " What stands between the two lines with ";
/** What the bot adds where nothing was asked. */
const addedHeads = ["[These pictures came without a word", "(The file came without a question"];

/** Takes a question apart, line by line. What is said of a document is counted in the text that came. */
export function readQuestion(question: string): Question {
  const lines = question.split("\n");
  const words: string[] = [];
  const pictures: string[] = [];
  const documents: string[] = [];
  for (let at = 0; at < lines.length; at += 1) {
    const line = lines[at] ?? "";
    const picture = pictureIn(line);
    const mark = lines[at + 1] ?? "";
    const end = isDocument(line, mark) ? lines.indexOf(mark, at + 2) : -1;
    if (picture !== undefined) pictures.push(picture);
    else if (end !== -1) {
      documents.push(`${nameIn(line)}: ${contentsOf(lines.slice(at + 2, end))}`);
      at = end;
    } else if (!addedHeads.some((head) => line.startsWith(head))) words.push(line);
  }
  return { words: words.join("\n").trim(), pictures, documents };
}

/** What the scripted model answers to a question that is not of words alone; undefined when it is. */
export function answerToSeen({ words, pictures, documents }: Question): string | undefined {
  const kinds = [
    ...(pictures.length > 0 ? [counted(pictures.length, "picture")] : []),
    ...(documents.length > 0 ? [counted(documents.length, "document")] : []),
  ];
  if (kinds.length === 0) return undefined;
  const beside = words === "" ? "without a word" : `with the words “${words}”`;
  const lines = [...pictures, ...documents].map((line) => `- ${line}`).join("\n");
  return `I see ${kinds.join(" and ")}, ${beside}:\n\n${lines}`;
}

/** As `script.ts` writes it: format and pixels, bytes, type. */
function pictureIn(line: string): string | undefined {
  if (!line.startsWith("[picture: ") || !line.endsWith("]")) return undefined;
  const facts = line.slice("[picture: ".length, -1).split(", ");
  const [bytes = "", type = ""] = facts.slice(-2);
  return `${facts.slice(0, -2).join(", ")} pixels, ${bytes}, sent as ${type}`;
}

function isDocument(line: string, mark: string): boolean {
  return line.startsWith("[") && /^--- \w+$/.test(mark) && line.includes(`${documentHead}${mark.slice(4)} `);
}

function nameIn(line: string): string {
  const name = line.slice(1, line.indexOf(documentHead)).replace(/\.$/, "");
  return name.charAt(0).toLowerCase() + name.slice(1);
}

function contentsOf(lines: readonly string[]): string {
  const isHead = (line: string) => /^\[[a-z]+ \d/.test(line);
  const heads = lines.filter(isHead);
  const unit = /[a-z]+/.exec(heads[0] ?? "")?.[0];
  const words = lines.filter((line) => !isHead(line)).flatMap((line) => line.match(/\S+/g) ?? []);
  const on = unit === undefined ? "" : ` on ${counted(heads.length, unit)}`;
  return `${words.length} word${words.length === 1 ? "" : "s"}${on}`;
}

function counted(count: number, noun: string): string {
  return count === 1 ? `a ${noun}` : `${count} ${noun}s`;
}
