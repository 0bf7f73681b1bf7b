/**
 * The lock file that a build begins with: what the user locked, and of the adapter's lock what the user's says nothing
 * of.
 */

/**
 * Cargo keeps what a lock file says as far as the manifests allow, and adds what it lacks: edges between the two files
 * need not be there.
 */
export function mergeLocks(users: string | undefined, adapters: string): string {
  if (users === undefined) {
    return adapters;
  }
  const theirs = packagesOf(users);
  const there = new Set(theirs.map(compatibilityOf));
  const ours = packagesOf(adapters).filter((block) => !there.has(compatibilityOf(block)));
  return `${['version = 4', ...theirs, ...ours].join('\n\n[[package]]\n')}\n`;
}

function packagesOf(lock: string): string[] {
  return lock
    .replaceAll('\r\n', '\n')
    .replace(/^\[(?!\[package\]\])[\s\S]*/m, '')
    .split(/^\[\[package\]\]\n/m)
    .slice(1)
    .map((block) => block.trimEnd());
}

/** Of one name and one compatibility there is one version in a build: `serde 1`, `http 0.2`. */
function compatibilityOf(block: string): string {
  const name = /^name = "([^"]*)"$/m.exec(block)?.[1];
  const [major, minor, patch] = (/^version = "([^"]*)"$/m.exec(block)?.[1] ?? '').split('.');
  const compatible = major !== '0' ? major : minor !== '0' ? `0.${minor}` : `0.0.${patch}`;
  return `${name} ${compatible}`;
}
