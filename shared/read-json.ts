/** JSON that we kept ourselves, and that somebody may have spoilt since: undefined where it can't be read. */
export function readJson(text: string | undefined): unknown {
  try {
    return JSON.parse(text ?? '');
  } catch {
    return undefined;
  }
}
