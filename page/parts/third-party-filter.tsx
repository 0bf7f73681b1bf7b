/** Chooses one tenant. Nothing to choose where the reader speaks for one alone. */
import { useEffect, useState } from 'preact/hooks';
import { useMe } from '#page/me.ts';
import { Choice } from './choice.tsx';

export function ThirdPartyFilter({ value, seen }: { value: string; seen: readonly string[] }) {
  const me = useMe();
  const [known, setKnown] = useState<readonly string[]>(me.third_party_ids);
  const added = seen.filter((name) => !known.includes(name));
  useEffect(() => {
    if (added.length > 0) {
      setKnown([...new Set([...known, ...added])].sort());
    }
  }, [added.join()]);
  const names = value === '' || known.includes(value) ? known : [...known, value];
  if (names.length < 2) {
    return null;
  }
  return <Choice label="Tenant" name="third_party_id" value={value} values={names} any="All tenants" />;
}
