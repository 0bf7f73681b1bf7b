/** Where a function's source lies, and which other places its request may name. */
import type { Identity } from '#shared/events/identity.ts';

const TENANT = '{third_party_id}';

/**
 * `template` is SOURCE_PREFIX. Where it holds the tenant, a request can name nothing outside that tenant's part of it:
 * a prefix that is not bound to a tenant would let each build every other's source. Where it does not, a request may
 * name what it likes, but nothing that holds the sources of all.
 */
export function sourcePrefixOf(
  template: string,
  identity: Identity,
  requested: string | undefined,
): { prefix: string } | { problem: string } {
  if (requested === undefined) {
    return { prefix: filled(template, identity) };
  }
  const prefix = requested.endsWith('/') ? requested : `${requested}/`;
  if (template.includes(TENANT)) {
    const end = template.indexOf('/', template.indexOf(TENANT)) + 1;
    const own = filled(template.slice(0, end), identity);
    return prefix.startsWith(own)
      ? { prefix }
      : { problem: `is "${requested}", but what is built for ${identity.third_party_id} must lie under ${own}` };
  }
  const root = template.slice(0, template.indexOf('{'));
  return root.startsWith(prefix)
    ? { problem: `is "${requested}", which holds the sources of every function: name the folder of one` }
    : { prefix };
}

function filled(template: string, { third_party_id, parser_id }: Identity): string {
  return template.replaceAll(TENANT, third_party_id).replaceAll('{parser_id}', parser_id);
}
