import { describe, expect, it } from "vitest";
import { readFact } from "../../src/base/fact-text.ts";
import { secretIn } from "../../src/base/secrets-in-text.ts";
import { expectNoGrowth, repeated } from "../support/growth.ts";

// Put together, so that no scanner takes them for real ones.
const key = (...parts: string[]) => parts.join("");

describe("a secret in a text is", () => {
  it.each([
    key("sk-", "proj-abcdefghijklmnop1234"),
    key("my openai key: sk-", "ant-api03-abcdefghijklmnop"),
    key("ghp", "_abcdefghijklmnopqrstuvwxyz0123456789"),
    key("AKIA", "IOSFODNN7EXAMPLE"),
    key("AIza", "SyA1234567890abcdefghijklmnopqrstuv"),
    key("xoxb", "-123456789012-abcdefghij"),
    key("eyJ", "hbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.abc"),
    key("the bot is 123456789", ":AAEhBOweik6ad9r_QXMENQjcrGbqCr4K-bc"),
    "-----BEGIN OPENSSH PRIVATE KEY-----",
    "it is 7f9c2ba4e88f827d616045507605853ed73b8093",
    "uses q8ZkP2mX7vR4tLwB9cYd for the door",
  ])("a key: %s", (text) => {
    expect(secretIn(text)).toBe("key");
  });

  it.each([
    "4111 1111 1111 1111",
    "Visa 4111-1111-1111-1111, expires 12/30",
    "card 4111111111111111 12/30 123",
    "5555 5555 5555 4444",
    "3782 822463 10005",
    "４１１１ １１１１ １１１１ １１１１",
    "٤١١١١١١١١١١١١١١١",
    "4111\u200b1111\u200b1111\u200b1111",
  ])("a card: %s", (text) => {
    expect(secretIn(text)).toBe("card");
  });

  it.each([
    "My password is hunter2",
    "password: hunter2",
    "Password=hunter2",
    'the wifi password "sunshine"',
    "wifi-password is sunshine",
    "hunter2 is my password",
    "The password of the guest account is sunshine",
    "PIN 1234",
    "my pin is 1234",
    "Das WLAN-Passwort lautet Sonnenschein",
    "mot de passe: soleil",
    "la contraseña es sol",
    "мой пароль: солнце",
    "密码是sunshine99",
    "the API key is alpha beta",
    "seed phrase: witch collapse practice feed shame open despair creek road again ice least",
    "CVV 123",
  ])("a password: %s", (text) => {
    expect(secretIn(text)).toBe("password");
  });

  it.each([
    "I am vegan",
    "Lives in Lyon, born 1990-12-07",
    "Phone: +49 170 1234567",
    "Phone: +4915123456789012",
    "Order 1234 5678 9012 3456",
    "Prefers a passwordless login",
    "The password manager is Bitwarden",
    "Likes keys of C major and the colour green",
    "Works on https://example.com/2024/11/28/some-long-article-about-things",
    "Wears a lapel pin",
    "Her cat's name is Token",
    "IBAN DE89 3704 0044 0532 0130 00",
    "Uses Donaudampfschifffahrtsgesellschaft2024 as a joke",
    "Meetings on 2026-11-28 06:12:31 and 2026-12-01 10:00:00",
  ])("not: %s", (text) => {
    expect(secretIn(text)).toBeUndefined();
  });
});

describe("a fact", () => {
  it("is one line without what nobody sees", () => {
    expect(readFact("  I am\n\n vegan\u200b\t and \u202ehappy ")).toEqual({ text: "I am vegan and happy" });
  });

  it("that says nothing, is too long or is a secret is none", () => {
    expect(readFact(" \n\u200b")).toEqual({ problem: "empty" });
    expect(readFact("🙂".repeat(200))).toEqual({ text: "🙂".repeat(200) });
    expect(readFact("🙂".repeat(201))).toEqual({ problem: "too-long", length: 201 });
    expect(readFact("PIN 1234")).toEqual({ problem: "password" });
    expect(readFact(`${"x ".repeat(300)} 4111 1111 1111 1111`)).toEqual({ problem: "card" });
  });
});

it("is looked for in no more time than its text has", () => {
  for (const unit of ["1 ", "4", "4111 ", "a1", "eyJ-", "my password is ", "1:", "-----BEGIN ", "my = "])
    expectNoGrowth(repeated(unit), secretIn);
});
