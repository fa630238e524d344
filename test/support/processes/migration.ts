/** Brings a file up to date, as a start does. With `true` as the second argument it waits, for ever, when half of the tables are rewritten. */
import { writeSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { createSqliteDatabase } from "../../../src/engines/embedded/database.ts";
import { createTables } from "../../../src/engines/embedded/schema.ts";

const [path = "", waits] = process.argv.slice(2);
if (waits === "true") {
  const prepare = DatabaseSync.prototype.prepare;
  DatabaseSync.prototype.prepare = function (this: DatabaseSync, sql: string) {
    if (sql.startsWith("UPDATE turn")) {
      writeSync(1, "half\n");
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
    }
    return prepare.call(this, sql);
  };
}
const database = createSqliteDatabase(path);
createTables(database.handle);
await database.close();
