/** What the reader may change. The gateway decides: this keeps the page from offering what would be refused. */
import type { Me } from '#shared/api/schemas.ts';

/** Whether functions of that tenant, or where none is named of any, may be deployed, called and deleted. */
export function mayWrite(me: Pick<Me, 'operator' | 'third_party_ids'>, thirdPartyId?: string): boolean {
  return (
    me.operator ||
    (thirdPartyId === undefined ? me.third_party_ids.length > 0 : me.third_party_ids.includes(thirdPartyId))
  );
}
