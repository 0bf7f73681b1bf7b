/** Who reads the page, and where. */
import { createContext } from 'preact';
import { useContext } from 'preact/hooks';
import type { Me } from '#shared/api/schemas.ts';

export const MeContext = createContext<Me | undefined>(undefined);

export function useMe(): Me {
  const me = useContext(MeContext);
  if (me === undefined) {
    throw new Error('this view is shown only when the API has said who reads it');
  }
  return me;
}
