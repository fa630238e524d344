import { ParleyError } from "../../base/errors.ts";

/** A call that is refused: Telegram's status, its `description`, and sometimes `parameters`. */
export class Refused extends Error {
  readonly status: number;
  readonly parameters: Readonly<Record<string, number>> | undefined;
  constructor(status: number, description: string, parameters?: Readonly<Record<string, number>>) {
    super(description);
    this.name = "Refused";
    this.status = status;
    this.parameters = parameters;
  }
}

/** A 400 in Telegram's words. */
export function badRequest(what: string): Refused {
  return new Refused(400, `Bad Request: ${what}`);
}

/** The 429 that asks to wait `seconds`. */
export function tooManyRequests(seconds: number): Refused {
  return new Refused(429, `Too Many Requests: retry after ${seconds}`, { retry_after: seconds });
}

/** What no person could do either. */
export function impossible(what: string): ParleyError {
  return new ParleyError("playground-impossible", what);
}
