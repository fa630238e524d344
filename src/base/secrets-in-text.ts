/**
 * Secrets that people write down without thinking: keys, numbers of cards, passwords. What is found is only its kind; the text
 * itself must go nowhere.
 */

export type SecretKind = "key" | "card" | "password";

/** What of this kind stands in a text, if anything does. In doubt it does: to write it otherwise costs little. */
export function secretIn(text: string): SecretKind | undefined {
  const plain = text.normalize("NFKC");
  if (holdsKey(plain)) return "key";
  if (holdsCard(plain)) return "card";
  return holdsPassword(plain) ? "password" : undefined;
}

// How keys begin: OpenAI, Anthropic, Stripe; GitHub; GitLab; Slack; AWS; Google; Hugging Face; npm, Groq, Tavily, xAI and others;
// JSON web tokens; bots of Telegram; keys in PEM.
const knownKeys = [
  /\b[prs]k[-_][\w-]{16}/,
  /\bgh[opsur]_\w{20}|\bgithub_pat_\w{20}/,
  /\bglpat-[\w-]{16}/,
  /\bxox[a-z]-[\w-]{10}/,
  /\bA[KS]IA[A-Z0-9]{16}/,
  /\bAIza[\w-]{30}|\bya29\.[\w-]{20}/,
  /\bhf_\w{20}/,
  /\b(?:npm|gsk|tvly|xai|pplx|SG)[-_.][\w-]{20}/,
  /\beyJ[\w-]{8,2000}\.[\w-]{8}/,
  /\b\d{6,12}:[\w-]{30}/,
  /-----BEGIN [A-Z ]{0,40}PRIVATE KEY/,
];

/** What nobody can say is random: letters and digits that take turns, without a gap. */
const fewestRandom = 20;

function holdsKey(text: string): boolean {
  if (knownKeys.some((key) => key.test(text))) return true;
  const pieces = text.match(/[A-Za-z0-9+]+/g) ?? [];
  return pieces.some((piece) => {
    const digits = piece.match(/\d+/g) ?? [];
    const letters = piece.match(/[A-Za-z]/g) ?? [];
    return piece.length >= fewestRandom && digits.length >= 2 && letters.length >= 4;
  });
}

/** Of a card's number. */
const [fewestDigits, mostDigits] = [13, 19];

function holdsCard(text: string): boolean {
  const groups: string[][] = [[]];
  let gap = 0;
  for (const character of text) {
    const digit = digitOf(character);
    if (digit === undefined) {
      // Numbers of phones begin with it.
      gap = character === "+" ? 9 : gap + (/[\s\p{Pd}\p{Cf}._/]/u.test(character) ? 1 : 9);
      continue;
    }
    if (gap > 2) groups.push([]);
    const group = groups.at(-1) ?? [];
    if (gap > 0 || group.length === 0) group.push("");
    group.push(`${group.pop()}${digit}`);
    gap = 0;
  }
  return groups.some(isCardIn);
}

/** Whether some of these groups of digits, one behind the other, are the number of a card. */
function isCardIn(groups: readonly string[]): boolean {
  return groups.some((_, from) => {
    let number = "";
    // Each has a digit at least.
    for (const group of groups.slice(from, from + mostDigits)) {
      number += group;
      if (number.length > mostDigits) return false;
      if (number.length >= fewestDigits && /^[2-6]/.test(number) && checksOut(number)) return true;
    }
    return false;
  });
}

/** The last digit of a card's number checks the others (ISO/IEC 7812-1, annex B). */
function checksOut(number: string): boolean {
  const sum = [...number].reverse().reduce((total, digit, place) => {
    const value = Number(digit) * (place % 2 === 0 ? 1 : 2);
    return total + (value > 9 ? value - 9 : value);
  }, 0);
  return sum % 10 === 0;
}

/** Whatever script it is of. */
function digitOf(character: string): number | undefined {
  const isDigit = (code: number) => /\p{Nd}/u.test(String.fromCodePoint(code));
  const code = character.codePointAt(0) ?? 0;
  if (!isDigit(code)) return undefined;
  let value = 0;
  while (value < 9 && isDigit(code - value - 1)) value++;
  return value;
}

const names = new Set([
  ...["password", "passwords", "passwd", "pwd", "passphrase", "passcode", "pin", "pincode", "puk", "cvv", "cvc", "otp"],
  ...["passwort", "kennwort", "geheimzahl", "contraseña", "clave", "senha", "mdp", "wachtwoord", "hasło", "heslo"],
  ...["пароль", "пин-код", "şifre", "parola", "كلمة", "סיסמה"],
]);
const namesOfTwo = [
  ...[
    "api key",
    "secret key",
    "private key",
    "ssh key",
    "access key",
    "license key",
    "encryption key",
    "client secret",
  ],
  ...["access token", "auth token", "bearer token", "bot token", "api token", "pin code", "security code"],
  ...["seed phrase", "recovery phrase", "recovery code", "recovery codes", "seed words", "mot passe", "de passe"],
];
const endings = ["password", "passwort", "passphrase", "kennwort", "passcode"];
/** Without gaps between words nothing tells what belongs together. */
const unspaced = /密码|密碼|口令|パスワード|暗証番号|비밀번호|암호/;
const saying = new Set([
  "is",
  "are",
  "was",
  "=",
  ":",
  "-",
  "–",
  "→",
  "ist",
  "sind",
  "lautet",
  "est",
  "es",
  "son",
  "è",
  "é",
  "это",
]);
const owning = new Set([
  "my",
  "the",
  "our",
  "their",
  "his",
  "her",
  "your",
  "mein",
  "meine",
  "das",
  "die",
  "unser",
  "mi",
  "mon",
]);
/** Behind the word for a password: what is said is about something else. */
const others = new Set([
  "manager",
  "managers",
  "hint",
  "hints",
  "reset",
  "resets",
  "policy",
  "generator",
  "hash",
  "hashing",
]);
/** Words between a name and what says it: "password of the guest account is". */
const mostBetween = 6;

function holdsPassword(text: string): boolean {
  if (unspaced.test(text) && /[A-Za-z0-9]{3}/.test(text)) return true;
  const words = text.split(/\s+/).filter((word) => word !== "");
  const bare = words.map((word) => word.toLowerCase().replaceAll(/[^\p{L}\p{N}=:→–-]/gu, "") || word);
  return words.some((_, at) => {
    const length = nameAt(bare, at);
    return length > 0 && (isSaidBehind(words, bare, at + length) || isSaidBefore(bare, at));
  });
}

/** How many words name a secret here; 0 when none does. */
function nameAt(bare: readonly string[], at: number): number {
  const [first = "", second = ""] = [wordOf(bare[at]), wordOf(bare[at + 1])];
  if (namesOfTwo.includes(`${first} ${second}`)) return 2;
  return names.has(first) || endings.some((ending) => first.endsWith(ending)) ? 1 : 0;
}

/** Up to where it says something else: `password:hunter2`, `user's`. */
function wordOf(bare = ""): string {
  return bare.split(/[:=→]/, 1)[0] ?? "";
}

function isSaidBehind(words: readonly string[], bare: readonly string[], next: number): boolean {
  const name = bare[next - 1] ?? "";
  const [said, following] = [words[next], bare[next] ?? ""];
  if (/[:=→]./.test(name)) return true;
  if (said === undefined || others.has(following)) return false;
  if (/\d|^["'«„“`]/.test(said) || /[:=→]$/.test(name)) return true;
  const verb = bare.slice(next, next + mostBetween + 1).findIndex((word) => saying.has(word) || /[:=→]$/.test(word));
  return verb >= 0 && next + verb + 1 < words.length;
}

/** As in "hunter2 is my password". */
function isSaidBefore(bare: readonly string[], at: number): boolean {
  const before = bare.slice(Math.max(0, at - 4), at);
  const verb = before.findIndex((word) => saying.has(word));
  return verb >= 0 && at - before.length + verb > 0 && before.slice(verb + 1).some((word) => owning.has(word));
}
