/** The tokens of `kn-lambda login`: one file that its owner alone may read, a token for each server. */
import { chmodSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import * as z from 'zod';
import { Failure } from './failure.ts';

const schema = z.object({
  /** The server that is meant where none is named. */
  current: z.string().optional(),
  servers: z.record(z.string(), z.object({ token: z.string() })).default({}),
});

export type Credentials = z.infer<typeof schema>;

export function credentialsFile(environment: NodeJS.ProcessEnv): string {
  const config = environment['XDG_CONFIG_HOME'] || join(environment['HOME'] || homedir(), '.config');
  return join(config, 'kn-lambda', 'credentials.json');
}

export function readCredentials(environment: NodeJS.ProcessEnv): Credentials {
  const file = credentialsFile(environment);
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    return { servers: {} };
  }
  try {
    return schema.parse(JSON.parse(text));
  } catch (cause) {
    throw new Failure(`${file} cannot be read: it is not what kn-lambda login writes`, {
      next: 'Remove it, then log in again: kn-lambda login.',
      cause,
    });
  }
}

/** Written whole beside it and renamed, so that two of us never leave half a file. */
export function writeCredentials(environment: NodeJS.ProcessEnv, credentials: Credentials): string {
  const file = credentialsFile(environment);
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  const made = `${file}.${process.pid}`;
  writeFileSync(made, `${JSON.stringify(credentials, undefined, 2)}\n`, { mode: 0o600 });
  chmodSync(made, 0o600);
  renameSync(made, file);
  return file;
}
