/** Which host refused which dependency, by what the package manager printed. */

export interface DeniedDependency {
  host: string;
  /** As the manifest names it, or the path of a repository. */
  dependency: string;
  /** HTTP's; undefined where git says only that authentication failed. */
  status: number | undefined;
}

/** There everybody may read, so that 404 means what it says. Private registries hide with it what one may not read. */
const PUBLIC = [
  'registry.npmjs.org',
  'registry.yarnpkg.com',
  'pypi.org',
  'files.pythonhosted.org',
  'proxy.golang.org',
  'sum.golang.org',
];

/** Yarn Classic tells the registry's own words in place of the status. */
const YARN_REFUSED = /^error .*https?:.*(?:unauthori|forbidden|authenti|denied|not found)/i;

const HTTP_URL = /https?:\/\/[^\s'"]+/g;

/**
 * Undefined where nothing of the kind is there. Of several refusals the last one counts, and one that asks for a token
 * before one that says "not found".
 */
export function deniedDependency(log: string): DeniedDependency | undefined {
  const refusals = log.split('\n').flatMap((line) => refusalByHttp(line, log) ?? refusalByGit(line, log) ?? []);
  return refusals.findLast(({ status }) => status !== 404) ?? refusals.at(-1);
}

/** npm, pnpm, Yarn, pip and Go: a line with a URL and a status. */
function refusalByHttp(line: string, log: string): DeniedDependency | undefined {
  const [text] = line.match(HTTP_URL) ?? [];
  const url = URL.parse(text?.replace(/[:,.\\]+$/, '') ?? '');
  const status = /\b40[134]\b/.exec(line.replaceAll(HTTP_URL, ''))?.[0];
  const isRefusal = status !== undefined || YARN_REFUSED.test(line);
  if (url === null || !isRefusal || (!['401', '403'].includes(status ?? '') && PUBLIC.includes(url.host))) {
    return undefined;
  }
  const [, module] = /^go: (\S+?)@\S+: reading /.exec(line) ?? [];
  const dependency = module ?? packageOf(url);
  return isWhatFailed(line, dependency, log)
    ? { host: url.host, dependency, status: status === undefined ? undefined : Number(status) }
    : undefined;
}

/**
 * Our own lines (languages/private-dependencies.ts) tell all that was refused. pip asks every index for every package,
 * and npm does without an optional one.
 */
function isWhatFailed(line: string, dependency: string, log: string): boolean {
  if (line.includes('Could not fetch URL')) {
    const [, wanted = ''] = /No matching distribution found for ([\w.-]+)/.exec(log) ?? [];
    return normalized(wanted) === normalized(dependency);
  }
  return !line.includes('http fetch GET') || /npm error code E40[134]/.test(log);
}

/** pip's: `Acme.Secret` and `acme-secret` are one. */
function normalized(name: string): string {
  return name.toLowerCase().replace(/[-_.]+/g, '-');
}

function packageOf({ pathname }: URL): string {
  const [path = ''] = decoded(pathname).split('/-/');
  const file = /([^/]+)\.(?:whl|tar\.gz|zip)$/.exec(path)?.[1];
  return file?.split('-')[0] ?? /(@[^/]+\/)?[^/]+(?=\/?$)/.exec(path)?.[0] ?? path;
}

function refusalByGit(line: string, log: string): DeniedDependency | undefined {
  const [, text = ''] =
    /(?:Authentication failed for|could not read (?:Username|Password) for) '([^']+)'/.exec(line) ??
    /repository '([^']+)' not found/i.exec(line) ??
    [];
  const url = URL.parse(text);
  if (url === null) {
    return undefined;
  }
  // git asks for a user of the whole host; the repository stands in the command that npm, pip or Go has run.
  const paths = [url, ...(log.match(HTTP_URL) ?? []).map((other) => URL.parse(other))]
    .filter((other) => other?.host === url.host)
    .map((other) => decoded(other?.pathname ?? '').replace(/^\/|\/$|\.git\/?$/g, ''));
  const [, module = 'a repository'] = /^go: (\S+?)@/m.exec(log) ?? [];
  return { host: url.host, dependency: paths.find((path) => path !== '') ?? module, status: undefined };
}

function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}
