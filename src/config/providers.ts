/** The providers that are known by name. What each does differently on the wire is in `models/wires/dialects.ts`. */

/** Chat Completions, OpenAI's Responses, Claude's Messages. */
export const wireNames = ["chat", "responses", "messages"] as const;
export type WireName = (typeof wireNames)[number];

export interface ProviderPreset {
  /** What stands before the first slash in `MODELS`; in capitals it begins the names of the provider's variables. */
  readonly name: string;
  /** OpenAI-compatible; `<PROVIDER>_BASE_URL` replaces it. Undefined where each account has its own. */
  readonly baseUrl: string | undefined;
  /** Runs on a machine of one's own and needs no key. */
  readonly local: boolean;
  /** Chosen when `MODELS` is left out; undefined where the model is whatever its owner has loaded. */
  readonly defaultModel: string | undefined;
  /** Spoken at the preset address; undefined, and behind any other address: Chat Completions. */
  readonly wire?: WireName;
  /** The header that carries the key as it is; undefined: `authorization`, as a bearer. */
  readonly keyHeader?: string;
  /** Calls at once when `<PROVIDER>_CONCURRENCY` is left out; undefined: no cap. */
  readonly defaultConcurrency: number | undefined;
}

/** In the order in which defaults are chosen. Model names die every few months: this table is the one place to mend. */
export const providerPresets: readonly ProviderPreset[] = [
  { ...hosted("openai", "https://api.openai.com/v1", "gpt-6-luna"), wire: "responses" },
  { ...hosted("anthropic", "https://api.anthropic.com/v1", "claude-haiku-4-5"), wire: "messages" },
  hosted("gemini", "https://generativelanguage.googleapis.com/v1beta/openai", "gemini-3.5-flash-lite"),
  hosted("deepseek", "https://api.deepseek.com", "deepseek-v4-flash"),
  hosted("mistral", "https://api.mistral.ai/v1", "mistral-small-latest"),
  hosted("groq", "https://api.groq.com/openai/v1", "openai/gpt-oss-120b"),
  { ...hosted("xai", "https://api.x.ai/v1", "grok-4.3"), wire: "responses" },
  hosted("together", "https://api.together.xyz/v1", "meta-llama/Llama-3.3-70B-Instruct-Turbo"),
  hosted("openrouter", "https://openrouter.ai/api/v1", "openai/gpt-6-luna"),
  hosted("holysheep", "https://api.holysheep.ai/v1", "deepseek-v3.2"),
  hosted("moonshot", "https://api.moonshot.ai/v1", "kimi-k2.6"),
  hosted("qwen", "https://dashscope-intl.aliyuncs.com/compatible-mode/v1", "qwen-plus"),
  hosted("zai", "https://api.z.ai/api/paas/v4", "glm-4.7"),
  hosted("perplexity", "https://api.perplexity.ai", "sonar"),
  hosted("cerebras", "https://api.cerebras.ai/v1", "gpt-oss-120b"),
  // What follows the slash is the name of a deployment, which is its owner's.
  { ...hosted("azure", undefined, undefined), keyHeader: "api-key" },
  local("ollama", "http://127.0.0.1:11434/v1"),
  local("lmstudio", "http://127.0.0.1:1234/v1"),
  local("vllm", "http://127.0.0.1:8000/v1"),
  local("llama.cpp", "http://127.0.0.1:8080/v1"),
];

function hosted(name: string, baseUrl: string | undefined, defaultModel: string | undefined): ProviderPreset {
  return { name, baseUrl, local: false, defaultModel, defaultConcurrency: undefined };
}

/** One machine answers a few at a time; more at once only makes all of them slow. */
function local(name: string, baseUrl: string): ProviderPreset {
  return { name, baseUrl, local: true, defaultModel: undefined, defaultConcurrency: 4 };
}

/** Whether a provider of this name runs the models itself, for others. */
export function isHosted(name: string): boolean {
  return providerPresets.find((preset) => preset.name === name)?.local === false;
}
