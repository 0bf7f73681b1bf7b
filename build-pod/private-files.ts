/** The tenant's registry credentials: from the volume of their Secret to the one that Kaniko's steps may empty. */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PRIVATE_FILES } from '#shared/specs/build-pod/private-dependencies.ts';

/** Copies what is there, and adds what git needs. Makes no folder where the Secret is absent or empty. */
export async function copyPrivateFiles(from: string, to: string): Promise<void> {
  const files = new Map<string, string>();
  for (const name of PRIVATE_FILES) {
    const text = await readFile(join(from, name), 'utf8').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') {
        return undefined;
      }
      throw error;
    });
    if (text !== undefined) {
      files.set(name, text);
    }
  }
  const credentials = files.get('.git-credentials') ?? credentialsOf(files.get('.netrc') ?? '');
  if (credentials !== '') {
    files.set('.git-credentials', credentials);
    files.set('.gitconfig', gitConfig(credentials, join(to, '.git-credentials')));
  }
  if (files.size === 0) {
    return;
  }
  await mkdir(to, { recursive: true, mode: 0o700 });
  for (const [name, text] of files) {
    await writeFile(join(to, name), text, { mode: 0o600 });
  }
}

/** git itself finds `.netrc` only in the home folder, which is the image's. */
function credentialsOf(netrc: string): string {
  return [...netrc.matchAll(/\bmachine\s+(\S+)\s+login\s+(\S+)\s+password\s+(\S+)/g)]
    .map(([, host, login = '', password = '']) => {
      return `https://${encodeURIComponent(login)}:${encodeURIComponent(password)}@${host}\n`;
    })
    .join('');
}

/** Tokens are for HTTP alone. Lock files of npm name the same repositories by SSH. */
function gitConfig(credentials: string, file: string): string {
  const hosts = credentials.split('\n').flatMap((line) => {
    const [, protocol, host] = /^(https?):\/\/[^@/\s]+@([\w.:[\]-]+)/.exec(line.trim()) ?? [];
    return host === undefined ? [] : { host, base: `${protocol}://${host}/` };
  });
  const rewritten = hosts.map(
    ({ host, base }) => `[url "${base}"]\n\tinsteadOf = ssh://git@${host}/\n\tinsteadOf = git@${host}:\n`,
  );
  return `[credential]\n\thelper = "store --file=${file}"\n${[...new Set(rewritten)].join('')}`;
}
