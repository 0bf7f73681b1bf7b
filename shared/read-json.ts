/** JSON that may have been spoilt, or be none: undefined where it can't be read, or is not there. */
export function readJson(text: string | undefined): unknown {
  try {
    return JSON.parse(text ?? '');
  } catch {
    return undefined;
  }
}
