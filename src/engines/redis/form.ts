/**
 * In which form this process writes what it stores. Processes of two versions share one Redis while a new one is rolled out:
 * as long as a worker of the version before lives, all write what that one can read. Afterwards records of the former form are
 * written anew as they are met.
 */
import { formerForm, presentForm, type StoredForm } from "../lanes/stored-forms.ts";
import type { RedisLink } from "./link.ts";
import { runScript } from "./script.ts";
import { renew } from "./store-scripts.ts";

/** A record as it was read, and in the present form. */
export interface FormerRecord {
  readonly question: number;
  readonly record: string;
  readonly renewed: string;
}

export interface FormChoice {
  /** To be written now. The guard of the script that writes it has the last word. */
  readonly form: StoredForm;
  /** Key that is there while a worker of the version before lives. */
  readonly formerKey: string;
  /** Redis has said that one lives. */
  foundFormer(): void;
  /** Writes records anew, soon; what cannot be now is met again. */
  renew(recordsKey: string, records: readonly FormerRecord[]): void;
}

const lookAgainMs = 1_000;
/** In one script, so that nobody waits long behind it: an answer may have 200,000 characters. */
const renewedAtOnce = 10;

/** Begins with the present form. `noteWords` puts notes into the words that the former one has, a line each. */
export function createFormChoice(
  { commands, prefix }: Pick<RedisLink, "commands" | "prefix">,
  noteWords: Parameters<typeof formerForm>[0],
): FormChoice {
  const formerKey = `${prefix}beat:2`;
  const readable = formerForm(noteWords);
  let formerUntil = 0;
  const former = () => performance.now() < formerUntil;
  const foundFormer = () => {
    formerUntil = performance.now() + lookAgainMs;
  };

  async function write(recordsKey: string, records: readonly FormerRecord[]): Promise<void> {
    for (let at = 0; at < records.length && !former(); at += renewedAtOnce) {
      const some = records.slice(at, at + renewedAtOnce);
      const args = some.flatMap(({ question, record, renewed }) => [question, record, renewed]);
      if ((await runScript(commands, renew, [recordsKey, formerKey], args)) === 0) foundFormer();
    }
  }

  return {
    get form() {
      return former() ? readable : presentForm;
    },
    formerKey,
    foundFormer,
    renew: (recordsKey, records) => void write(recordsKey, records).catch(() => undefined),
  };
}
