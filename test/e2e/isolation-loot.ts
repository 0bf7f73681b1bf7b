/** What a malicious source brings home, and how a test looks at it. The sources are in malicious/. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface Answer {
  status?: number;
  body?: string;
  error?: string;
}

export interface Loot {
  /** By process id; a string where it could not be read. */
  environments: Record<string, string[] | string>;
  /** Contents by path. */
  files: Record<string, string>;
  /** Of the looting process, as /proc shows it. */
  status: string;
  /** Ports on which anything in the pod listens. */
  listening?: number[];
  sniffing?: string;
  answers?: Record<string, Answer>;
}

export interface Target {
  name: string;
  url: string;
  method?: string;
  headers?: Record<string, string>;
}

const file = (name: string) => readFileSync(join(import.meta.dirname, 'malicious', name), 'utf8');

/** Only what takes part in the source's hash makes a RUN step run anew: the targets name this run's victim. */
const looting = (targets: Target[]) => ({
  'loot.mjs': file('loot.mjs'),
  'print-loot.mjs': file('print-loot.mjs'),
  'targets.json': JSON.stringify(targets),
});

/** As root, in a base image of the attacker's choice; fails for good, so that it is tried once. */
export function lootingDockerfile(baseImage: string, targets: Target[]): Record<string, string> {
  return {
    ...looting(targets),
    Dockerfile: `FROM ${baseImage}\nUSER 0\nWORKDIR /loot\nCOPY . .\nRUN node print-loot.mjs; exit 65\nUSER 65532\n`,
  };
}

/** While its dependencies are installed, and once more as a function, where it returns what it found. */
export function lootingPackage(targets: Target[]): Record<string, string> {
  const scripts = { postinstall: 'node print-loot.mjs' };
  return {
    ...looting(targets),
    'parser.mjs': file('parser.mjs'),
    'package.json': JSON.stringify({ name: 'mallory', version: '1.0.0', type: 'module', scripts }),
  };
}

/** A dependency whose build backend is its own. */
export function lootingRequirement(mark: string): Record<string, string> {
  return {
    'parser.py': `"""${mark}"""\n\n\ndef handler(event):\n    return 1\n`,
    'requirements.txt': './dependency\n',
    'dependency/backend.py': file('backend.py'),
    'dependency/pyproject.toml': '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n',
  };
}

export function lootIn(log: string): Loot {
  const [, printed] = /LOOT ([\w+/=]+) END/.exec(log) ?? [];
  if (!printed) {
    throw new Error(
      `the attacker's code has printed nothing, so this shows nothing. The log ends: ${log.slice(-2000)}`,
    );
  }
  return JSON.parse(Buffer.from(printed, 'base64').toString()) as Loot;
}

/** Every string in it, as it was read. */
export function textOf(loot: unknown): string {
  if (typeof loot === 'string') {
    return loot;
  }
  return loot !== null && typeof loot === 'object'
    ? Object.entries(loot)
        .map(([key, value]) => `${key}\n${textOf(value)}`)
        .join('\n')
    : '';
}

/** The value of one line of /proc/self/status. */
export function statusLine({ status }: Loot, name: string): string | undefined {
  return new RegExp(`^${name}:\\s*(.*)$`, 'm').exec(status)?.[1]?.trim();
}
