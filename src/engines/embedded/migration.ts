/** Brings a file that an older version has written up to date. */
import type { DatabaseSync } from "node:sqlite";
import { textParts } from "../../ports/content.ts";
import { presentForm, readTurn } from "../lanes/stored-forms.ts";

/** Of all tables in the file. Raised, with a step below, when one of them changes its shape. */
export const schemaVersion = 3;

const rowsAtOnce = 50;

/**
 * Carries out the steps from a file's version on, in one transaction: killed in its middle, the file is what it was. Goes
 * through the rows one by one, however many there are.
 */
export function migrate(handle: DatabaseSync, from: number): void {
  handle.exec("BEGIN IMMEDIATE");
  try {
    if (from < 2) toParts(handle);
    // What stands in form 2 is a record of form 3 as well.
    handle.exec(`PRAGMA user_version = ${schemaVersion}; COMMIT`);
  } catch (error) {
    if (handle.isTransaction) handle.exec("ROLLBACK");
    throw error;
  }
}

/** What was asked becomes a list of parts. A new file has no tables yet. */
function toParts(handle: DatabaseSync): void {
  const tables = handle.prepare("SELECT name FROM sqlite_master WHERE type = 'table'").all();
  const has = (table: string) => tables.some(({ name }) => name === table);
  handle.function("parts_of", (asked) => JSON.stringify(textParts(String(asked))));
  handle.function("in_present_form", (record) => presentForm.turn(readTurn(String(record))));
  if (has("exchange")) rewrite(handle, "exchange", "asked = parts_of(asked)");
  if (has("turn")) rewrite(handle, "turn", "record = in_present_form(record)");
}

/** What a function was called with in a statement stays in memory until that has ended, so each has few rows. */
function rewrite(handle: DatabaseSync, table: string, change: string): void {
  const last = Number(handle.prepare(`SELECT max(rowid) AS last FROM ${table}`).get()?.["last"] ?? 0);
  const update = handle.prepare(`UPDATE ${table} SET ${change} WHERE rowid > ? AND rowid <= ?`);
  for (let at = 0; at < last; at += rowsAtOnce) update.run(at, at + rowsAtOnce);
}
