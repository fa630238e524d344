/** What operators should hear of at once, whichever part notices it. */

/** Nothing in it is a text of anybody's, or a secret. */
export type Alert =
  | { readonly kind: "key-refused"; readonly provider: string }
  | { readonly kind: "credit-empty"; readonly provider: string }
  /** There is nothing at the provider's address that answers questions. */
  | { readonly kind: "address-wrong"; readonly provider: string }
  /** It wants to be told more with each request: a header of a gateway, say. */
  | { readonly kind: "settings-missing"; readonly provider: string }
  /** The provider does not know `provider/model`; `nearest` is what it may have become, when that could be found out. */
  | { readonly kind: "model-gone"; readonly model: string; readonly nearest?: string | undefined }
  /** The search provider searches for nobody: it refuses the key, wants money, or, a SearXNG, answers no programs. */
  | {
      readonly kind: "search-refused";
      /** As people know it. */
      readonly provider: string;
      /** The setting that gives access to it. */
      readonly variable: string;
      readonly why: "key" | "credit" | "format";
    }
  /** So much, in percent, of what the whole bot may spend in a day is spent. `resetsAt`: milliseconds since the epoch. */
  | { readonly kind: "bot-budget"; readonly share: 80 | 100; readonly resetsAt: number }
  /** A question did not fit into what is left of that, though no more than `spent` percent of it is. */
  | { readonly kind: "bot-budget-refuses"; readonly spent: number; readonly resetsAt: number }
  /** `reason` is Telegram's or ours. */
  | { readonly kind: "webhook-failing"; readonly reason: string; readonly pendingUpdates: number }
  | { readonly kind: "dead-update"; readonly updateId: number }
  /** A tool of an MCP server is not what it was when it was first seen; it is off until an admin confirms it. */
  | { readonly kind: "tool-changed"; readonly server: string; readonly tool: string };

export interface Alerts {
  /**
   * Tells the operators, each kind (and provider, model, share) once an hour at most, whichever process raises it. Returns at
   * once and never throws: it may be called from where somebody waits for an answer, and as often as trouble comes.
   */
  raise(alert: Alert): void;
}
