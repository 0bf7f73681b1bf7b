/** Which view the address names. Every view has an address of its own, so that it can be shared and gone back to. */
import { useEffect, useState } from 'preact/hooks';

export interface Route {
  /** Decoded: `/functions/acme/a` is `['functions', 'acme', 'a']`. */
  segments: string[];
  query: URLSearchParams;
}

const CHANGED = 'knative-lambda-address';

export function navigate(to: string, { replace = false }: { replace?: boolean } = {}): void {
  history[replace ? 'replaceState' : 'pushState'](undefined, '', to);
  dispatchEvent(new Event(CHANGED));
}

/** Changes fields of the query where the view stays the same, such as a search. */
export function setQuery(fields: Record<string, string | undefined>): void {
  const address = new URL(location.href);
  for (const [name, value] of Object.entries(fields)) {
    if (value) {
      address.searchParams.set(name, value);
    } else {
      address.searchParams.delete(name);
    }
  }
  navigate(`${address.pathname}${address.search}`, { replace: true });
}

export function useRoute(): Route {
  const [route, setRoute] = useState(here);
  useEffect(() => {
    const onChange = () => setRoute(here());
    addEventListener('popstate', onChange);
    addEventListener(CHANGED, onChange);
    return () => {
      removeEventListener('popstate', onChange);
      removeEventListener(CHANGED, onChange);
    };
  }, []);
  return route;
}

/** Links within the page change the address without loading it anew. */
export function followLinks(): () => void {
  const onClick = (event: MouseEvent) => {
    const link = event.target instanceof Element ? event.target.closest('a') : null;
    const isPlain = event.button === 0 && !(event.metaKey || event.ctrlKey || event.shiftKey || event.altKey);
    if (!link || !isPlain || event.defaultPrevented || link.target || link.hasAttribute('download')) {
      return;
    }
    const address = new URL(link.href);
    if (address.origin === location.origin && !address.pathname.startsWith('/api/') && !address.hash) {
      event.preventDefault();
      navigate(`${address.pathname}${address.search}`);
    }
  };
  document.addEventListener('click', onClick);
  return () => document.removeEventListener('click', onClick);
}

function here(): Route {
  const segments = location.pathname.split('/').filter(Boolean).map(decoded);
  return { segments, query: new URLSearchParams(location.search) };
}

function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}
