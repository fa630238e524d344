/** Who may see what a token guards. */
import { createHash, timingSafeEqual } from "node:crypto";

/** The headers of a 401: any user's name does, the token is the password. */
export const askForToken = { "www-authenticate": 'Basic realm="Parley"' } as const;

/**
 * Creates the check of an `Authorization` header: the token as a bearer, or as the password of any user. What is wrong takes
 * as long as what is right.
 */
export function createTokenCheck(token: string): (authorization: string | undefined) => boolean {
  const expected = digest(token);
  return (authorization = "") => {
    const given = tokenIn(authorization);
    return given !== undefined && timingSafeEqual(digest(given), expected);
  };
}

function tokenIn(authorization: string): string | undefined {
  const [scheme = "", value = ""] = authorization.split(" ", 2);
  if (/^bearer$/i.test(scheme)) return value;
  if (!/^basic$/i.test(scheme)) return undefined;
  const text = Buffer.from(value, "base64").toString();
  return text.includes(":") ? text.slice(text.indexOf(":") + 1) : undefined;
}

/** Of equal length, as a comparison in constant time needs it. */
function digest(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}
