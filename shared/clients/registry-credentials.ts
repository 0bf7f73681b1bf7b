/** Credentials of registries, from a docker config.json: what a Secret of type kubernetes.io/dockerconfigjson holds. */
import { readFile, stat } from 'node:fs/promises';
import * as z from 'zod';
import { RetryableError } from '#shared/events/errors.ts';
import { readJson } from '#shared/read-json.ts';
import { canonicalHost, type RegistryAddress } from './registry-address.ts';

export type RegistryCredentials = { username: string; password: string } | { identityToken: string };

export interface CredentialsFile {
  /** Undefined where the file has none for this repository, or does not exist: its Secret is optional. */
  of(address: RegistryAddress): Promise<RegistryCredentials | undefined>;
  /** Reads the file again, even if its time is the same. */
  forget(): void;
}

const entrySchema = z.object({
  auth: z.string().optional(),
  username: z.string().optional(),
  password: z.string().optional(),
  identitytoken: z.string().optional(),
});
const fileSchema = z.object({ auths: z.record(z.string(), entrySchema).default({}) });
type Entry = z.infer<typeof entrySchema>;

interface Version {
  id: string;
  /** By `host[/path]`. */
  entries: Map<string, Entry>;
}

/** The kubelet replaces a Secret's files by moving a symbolic link: inode and time then differ. */
export function credentialsFile(path: string): CredentialsFile {
  let current: Version | undefined;

  async function entries(): Promise<Map<string, Entry>> {
    const found = await stat(path).catch(() => undefined);
    const id = found ? `${found.ino} ${found.mtimeMs} ${found.size}` : 'missing';
    if (current?.id !== id) {
      current = { id, entries: found ? parse(await readFile(path, 'utf8'), path) : new Map() };
    }
    return current.entries;
  }

  return {
    async of({ host, path }) {
      const [, entry] =
        [...(await entries())]
          .filter(([key]) => `${host}/${path}/`.startsWith(`${key}/`))
          .sort(([one], [other]) => other.length - one.length)[0] ?? [];
      return entry && credentialsOf(entry);
    },
    forget() {
      current = undefined;
    },
  };
}

/** Names what is wrong, never what the file says. */
function parse(text: string, path: string): Map<string, Entry> {
  const parsed = fileSchema.safeParse(readJson(text));
  if (!parsed.success) {
    const message = `${path} is no docker config.json, so nobody can be asked for images with it. Correct the Secret that it comes from (knative-lambda-registry)`;
    throw new RetryableError('Unavailable', message);
  }
  return new Map(Object.entries(parsed.data.auths).map(([key, entry]) => [normalized(key), entry]));
}

/** `https://index.docker.io/v1/` → `docker.io`; `ghcr.io/acme` stays. */
function normalized(key: string): string {
  const bare = key.replace(/^https?:\/\//, '').replace(/\/(?:v[12]\/?)?$/, '');
  const [host = '', ...path] = bare.split('/');
  return [canonicalHost(host), ...path].join('/');
}

function credentialsOf(entry: Entry): RegistryCredentials | undefined {
  if (entry.identitytoken) {
    return { identityToken: entry.identitytoken };
  }
  if (entry.username && entry.password) {
    return { username: entry.username, password: entry.password };
  }
  const [, username, password] =
    /^([^:]+):(.*)$/s.exec(
      Buffer.from(entry.auth ?? '', 'base64')
        .toString()
        .replace(/\0+$/, ''),
    ) ?? [];
  return username !== undefined && password !== undefined ? { username, password } : undefined;
}
