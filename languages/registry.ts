/** The languages with an adapter of ours, in the order in which messages name them. */
import type { AdapterLanguage } from '#shared/events/parameters.ts';
import { go } from './go/language.ts';
import type { LanguageSupport } from './language.ts';
import { node } from './node/language.ts';
import { python } from './python/language.ts';
import { rust } from './rust/language.ts';

export const registry = {
  python,
  node,
  go,
  rust,
} satisfies Record<AdapterLanguage, LanguageSupport>;
