/** Where each view is. */
import type { Build } from '#shared/api/schemas.ts';

interface Identity {
  third_party_id: string;
  parser_id: string;
}

export type FunctionTab = 'versions' | 'calls' | 'logs' | 'try';

export function functionAddress({ third_party_id, parser_id }: Identity, tab?: FunctionTab): string {
  return `/functions/${encodeURIComponent(third_party_id)}/${encodeURIComponent(parser_id)}${tab ? `/${tab}` : ''}`;
}

export function buildAddress(build: Identity & Pick<Build, 'correlation_id'>): string {
  const { third_party_id, parser_id, correlation_id } = build;
  return `/builds/${[third_party_id, parser_id, correlation_id].map(encodeURIComponent).join('/')}`;
}
