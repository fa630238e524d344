/**
 * How long a test waits for what has to happen: long enough for a machine that is busy with something else. Who waits for less
 * waits for what this project promises within less. Milliseconds.
 */
export const patienceMs = 60_000;
