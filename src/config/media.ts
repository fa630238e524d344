/** Who hears, speaks and draws: `TRANSCRIBE_MODEL`, `SPEAK_MODEL`, `IMAGE_MODEL`. */
import type { Environment } from "./environment.ts";
import type { ModelName } from "./model-list.ts";
import { prefixOf, type Variables } from "./provider-settings.ts";

/** Each a chain: the first is asked, then those behind it when it fails. `provider/model`; empty: nobody does it. */
export interface MediaConfig {
  readonly hears: readonly string[];
  readonly speaks: readonly string[];
  readonly draws: readonly string[];
  /** As the model of speech calls it. */
  readonly voice: string;
}

/** Who hears where nobody is named: the first that has a key. Cheap ones, and each takes what Telegram records. */
const hearers = ["openai/gpt-4o-mini-transcribe", "groq/whisper-large-v3-turbo", "mistral/voxtral-mini-latest"];

/** The models that the variables name, by variable. */
export type NamedMedia = Readonly<Record<"TRANSCRIBE_MODEL" | "SPEAK_MODEL" | "IMAGE_MODEL", readonly ModelName[]>>;

/** What the variables name. What is left out of `TRANSCRIBE_MODEL` is found by the keys that are there. */
export function namedMedia(values: Environment, given: Variables): NamedMedia {
  return {
    TRANSCRIBE_MODEL: chainOf(values.TRANSCRIBE_MODEL) ?? usualHearer(given),
    SPEAK_MODEL: chainOf(values.SPEAK_MODEL) ?? [],
    IMAGE_MODEL: chainOf(values.IMAGE_MODEL) ?? [],
  };
}

/** The models that are named, by what they do; undefined where none is. */
export function mediaOf(named: NamedMedia, { SPEAK_VOICE: voice }: Environment): MediaConfig | undefined {
  if (Object.values(named).every((models) => models.length === 0)) return undefined;
  const namesIn = (models: readonly ModelName[]) => models.map(({ name }) => name);
  return {
    hears: namesIn(named.TRANSCRIBE_MODEL),
    speaks: namesIn(named.SPEAK_MODEL),
    draws: namesIn(named.IMAGE_MODEL),
    voice,
  };
}

function chainOf(value: "off" | readonly ModelName[] | undefined): readonly ModelName[] | undefined {
  return value === "off" ? [] : value;
}

/** The first whose address is the preset one: whoever stands behind another may know nothing of sound, and is not asked. */
function usualHearer(given: Variables): readonly ModelName[] {
  const models = hearers.map((name) => ({ name, provider: name.slice(0, name.indexOf("/")) }));
  const set = (provider: string, field: string) => given[`${prefixOf(provider)}${field}`] !== undefined;
  const first = models.find(({ provider }) => set(provider, "API_KEY") && !set(provider, "BASE_URL"));
  return first === undefined ? [] : [first];
}
