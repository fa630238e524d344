/** The environment, read once into one frozen value. Never imported as a value: `main.ts` reads it and passes it on. */

export type RunMode = "start" | "dev" | "web" | "worker" | "playground";

/** A provider of models that the configuration names. */
export interface ProviderConfig {
  /** As written before the slash in `MODELS`: `openai`, `llama.cpp`, any name of one's own. */
  readonly name: string;
  readonly baseUrl: string;
  /** Left out for local providers that need none. */
  readonly apiKey?: string;
  /** Calls at once in this process; left out: no cap. */
  readonly concurrency?: number;
}

export interface WebhookConfig {
  /** Public base URL; a path in it is kept. */
  readonly url: string;
  readonly secret: string;
}

export interface Config {
  readonly mode: RunMode;
  readonly telegram: {
    readonly token: string;
    readonly apiRoot: string;
    /** Left out: long polling. */
    readonly webhook?: WebhookConfig;
  };
  readonly http: { readonly host: string; readonly port: number };
  readonly dataDir: string;
  readonly redisUrl?: string;
  readonly models: {
    /** `provider/model`, the first is the default; never empty. */
    readonly names: readonly string[];
    /** `provider/model`, tried in order when the chosen model fails. */
    readonly fallbacks: readonly string[];
    readonly providers: readonly ProviderConfig[];
    readonly maxTokens?: number;
    readonly temperature?: number;
  };
  readonly systemPrompt: string;
  readonly history: { readonly maxTokens: number; readonly maxMessages: number; readonly ttlSeconds: number };
  readonly rateLimit: { readonly messages: number; readonly windowSeconds: number; readonly burst: number };
  readonly access: {
    /** Empty: everyone. */
    readonly allowed: ReadonlySet<number>;
    readonly admins: ReadonlySet<number>;
  };
  readonly streamMode: "edit" | "draft";
  /** Turns at once. */
  readonly concurrency: number;
  readonly logLevel: string;
  /** Every secret in this configuration: what logs and messages must never contain. */
  readonly secrets: readonly string[];
}
