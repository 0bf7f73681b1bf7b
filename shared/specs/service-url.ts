/** Where a Knative Service is called, from where our functions and people are. */

interface Addressed {
  url?: string | undefined;
  address?: { url?: string | undefined } | undefined;
}

/** The cluster's own name of it; on a laptop, where nobody resolves that, the one below localhost. */
export function reachableUrl({ url, address }: Addressed): string | undefined {
  return /\.localhost(:\d+)?\/?$/.test(url ?? '') ? url : (address?.url ?? url);
}
