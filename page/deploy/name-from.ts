/** A name that the platform takes, as near as it can be to that of the folder. */
export function nameFrom(folder: string): string {
  return folder
    .normalize('NFKD')
    .replace(/[^A-Za-z0-9_-]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, 100);
}
