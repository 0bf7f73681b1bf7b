/** What the verbs share: the API, who asks, and which function is meant. */
import { existsSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { type Me, meSchema } from '#shared/api/schemas.ts';
import { type Identity, idSchema } from '#shared/events/identity.ts';
import { type Api, type Connection, createApi } from './client.ts';
import { type ConnectionOptions, findConnection, type Place, unknownTenant } from './connection.ts';
import { wrongUse } from './failure.ts';
import { readFunctionFile } from './source/function-file.ts';
import type { Terminal } from './terminal.ts';

/** The tenant on a laptop, where nobody has to be anybody. */
const DEMO = 'demo';

export interface Runtime extends Place {
  terminal: Terminal;
  stdin: NodeJS.ReadableStream & { isTTY?: boolean };
  /** Ctrl-C. */
  signal: AbortSignal;
}

export interface CommonOptions extends ConnectionOptions {
  tenant?: string;
  output?: 'json' | 'yaml' | 'name';
}

export interface Session {
  api: Api;
  connection: Connection;
  options: CommonOptions;
  me(): Promise<Me>;
  /** Of a function that is named, or of the folder that the command runs in. */
  identity(name: string | undefined): Promise<Identity>;
  /** The tenant of what is shown; undefined where that is all of them. */
  tenant(): string | undefined;
}

export async function openSession(options: CommonOptions, runtime: Runtime): Promise<Session> {
  const connection = await findConnection(options, runtime);
  const api = createApi(connection);
  const tenant = options.tenant ?? (runtime.environment['KN_LAMBDA_TENANT'] || undefined);
  if (tenant !== undefined && !idSchema.safeParse(tenant).success) {
    throw wrongUse(`${JSON.stringify(tenant)} is no tenant's id`, 'It is 1–100 of A–Z, a–z, 0–9, "_" and "-".');
  }
  let asked: Promise<Me> | undefined;
  const me = (): Promise<Me> => {
    asked ??= api.get('/api/v1/me', meSchema, { signal: runtime.signal });
    return asked;
  };
  return {
    api,
    connection,
    options,
    me,
    tenant: () => tenant,
    identity: async (name) => {
      const { named, parserId } = splitName(name ?? nameOfFolder(runtime.cwd));
      const third_party_id = named ?? tenant ?? tenantOf(await me());
      return { third_party_id, parser_id: parserId };
    },
  };
}

function tenantOf({ third_party_ids: ids, operator, platform }: Me): string {
  const [only, ...others] = ids;
  if (only !== undefined && others.length === 0) {
    return only;
  }
  if (operator && platform === 'laptop') {
    return DEMO;
  }
  throw unknownTenant(ids);
}

/** `name`, or `tenant/name`. */
function splitName(name: string): { named: string | undefined; parserId: string } {
  const [parserId = '', named, ...others] = name.split('/').reverse();
  const ids = named === undefined ? [parserId] : [named, parserId];
  if (others.length > 0 || ids.some((id) => !idSchema.safeParse(id).success)) {
    throw wrongUse(
      `${JSON.stringify(name)} is no name of a function`,
      'It is 1–100 of A–Z, a–z, 0–9, "_" and "-", with the tenant and "/" before it where that must be said.',
    );
  }
  return { named, parserId };
}

function nameOfFolder(cwd: string): string {
  const { name } = readFunctionFile(cwd);
  if (name !== undefined) {
    return name;
  }
  if (looksLikeFunction(cwd)) {
    return basename(resolve(cwd));
  }
  throw wrongUse('which function?', 'Name it, or run the command in its folder. kn-lambda list shows them all.');
}

const SIGNS = ['package.json', 'requirements.txt', 'pyproject.toml', 'go.mod', 'Cargo.toml', 'Dockerfile'];
const HANDLERS = ['parser', 'index', 'handler', 'main'].flatMap((name) =>
  ['js', 'mjs', 'cjs', 'ts', 'py'].map((extension) => `${name}.${extension}`),
);

export function looksLikeFunction(folder: string): boolean {
  return [...SIGNS, ...HANDLERS].some((file) => existsSync(join(folder, file)));
}

export function pathOf({ third_party_id, parser_id }: Identity): string {
  return `${encodeURIComponent(third_party_id)}/${encodeURIComponent(parser_id)}`;
}
