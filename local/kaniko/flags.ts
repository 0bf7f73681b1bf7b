/** Kaniko's command line, as its maintained forks take it. */

export interface BuildOptions {
  /** `tar://…`, `dir://…` or a folder. */
  context: string;
  contextSubPath: string;
  /** Looked for as it is, then in the context. */
  dockerfile: string;
  destinations: string[];
  buildArgs: Record<string, string>;
  target: string;
  push: boolean;
  cache: boolean;
  cacheRepo: string;
  cacheCopyLayers: boolean;
  labels: Record<string, string>;
  digestFile: string;
  imageNameWithDigestFile: string;
  imageNameTagWithDigestFile: string;
}

/** A flag that is refused: printed with a hint at the usage, as cobra does it. */
export class FlagError extends Error {
  override readonly name = 'FlagError';
}

const SHORT: Record<string, string> = { f: 'dockerfile', c: 'context', d: 'destination', b: 'bucket', v: 'verbosity' };

/** Take `--flag` or `--flag=true|false`, and never a word of their own. */
const BOOLEANS = new Set(
  `cache cache-copy-layers cache-run-layers cleanup compressed-caching force force-build-metadata ignore-var-run insecure
  insecure-pull log-timestamp materialize no-push no-push-cache preserve-context push-ignore-immutable-tag-errors reproducible
  single-snapshot skip-default-registry-fallback skip-push-permission-check skip-tls-verify skip-tls-verify-pull
  skip-unused-stages use-new-run whitelist-var-run`.split(/\s+/),
);

/** Take a value. Those that only concern registries, memory or snapshots are known and have no effect here. */
const VALUES = new Set(
  `annotation bucket build-arg cache-dir cache-repo cache-ttl compression compression-level context context-sub-path
  credential-helpers custom-platform customPlatform destination digest-file dockerfile git ignore-path image-download-retry
  image-fs-extract-retry image-name-tag-with-digest-file image-name-with-digest-file insecure-registry kaniko-dir label log-format
  oci-layout-path push-retry registry-certificate registry-client-cert registry-map registry-mirror skip-tls-verify-registry
  snapshot-mode snapshotMode tar-path tarPath target verbosity`.split(/\s+/),
);

/** What the real one does and a folder cannot: better refused than silently left out. */
const UNSUPPORTED = new Set(['bucket', 'oci-layout-path', 'tar-path', 'tarPath']);

/** Throws FlagError. */
export function parseFlags(args: readonly string[], env: Readonly<Record<string, string | undefined>>): BuildOptions {
  const given = readFlags(args);
  const all = (name: string) => given.get(name) ?? [];
  const last = (name: string) => all(name).at(-1);
  const truth = (name: string, otherwise: boolean) => {
    const value = last(name);
    if (value === undefined) {
      return otherwise;
    }
    if (/^(1|t|true)$/i.test(value)) {
      return true;
    }
    if (/^(0|f|false)$/i.test(value)) {
      return false;
    }
    throw new FlagError(
      `invalid argument "${value}" for "--${name}" flag: strconv.ParseBool: parsing "${value}": invalid syntax`,
    );
  };
  for (const name of UNSUPPORTED) {
    if (given.has(name)) {
      throw new FlagError(`--${name} is not emulated by the embedded platform: leave it out, or build on a cluster`);
    }
  }
  const options: BuildOptions = {
    context: last('context') ?? '/workspace/',
    contextSubPath: last('context-sub-path') ?? '',
    dockerfile: last('dockerfile') ?? 'Dockerfile',
    destinations: all('destination'),
    buildArgs: pairs(all('build-arg'), (name) => env[name] ?? ''),
    target: last('target') ?? '',
    push: !truth('no-push', /^(1|t|true)$/i.test(env['KANIKO_NO_PUSH'] ?? '')),
    cache: truth('cache', false),
    cacheRepo: last('cache-repo') ?? '',
    cacheCopyLayers: truth('cache-copy-layers', false),
    labels: pairs(all('label'), () => ''),
    digestFile: last('digest-file') ?? '',
    imageNameWithDigestFile: last('image-name-with-digest-file') ?? '',
    imageNameTagWithDigestFile: last('image-name-tag-with-digest-file') ?? '',
  };
  for (const name of BOOLEANS) {
    truth(name, false);
  }
  if (options.push && options.destinations.length === 0) {
    throw new FlagError('you must provide --destination, or use --no-push');
  }
  if (options.cache && !options.push && options.cacheRepo === '') {
    throw new FlagError('cache flags invalid: if using cache with --no-push, specify cache repo with --cache-repo');
  }
  return options;
}

/** Values in the order they were given, by the long name. */
function readFlags(args: readonly string[]): Map<string, string[]> {
  const given = new Map<string, string[]>();
  const words = [...args];
  for (let word = words.shift(); word !== undefined; word = words.shift()) {
    const match = /^(?:--(?<long>[^=]+)|-(?<short>[a-z])(?=$|=))(?:=(?<value>[\s\S]*))?$/.exec(word);
    const { long, short, value } = match?.groups ?? {};
    const name = long ?? SHORT[short ?? ''];
    if (name === undefined) {
      throw new FlagError(
        word.startsWith('-')
          ? `unknown shorthand flag: '${word[1] ?? ''}' in ${word}`
          : `unknown command "${word}" for "executor"`,
      );
    }
    if (!BOOLEANS.has(name) && !VALUES.has(name)) {
      throw new FlagError(`unknown flag: --${name}`);
    }
    const taken = value ?? (BOOLEANS.has(name) ? 'true' : words.shift());
    if (taken === undefined) {
      throw new FlagError(`flag needs an argument: --${name}`);
    }
    given.set(name, [...(given.get(name) ?? []), taken]);
  }
  return given;
}

function pairs(texts: readonly string[], missing: (name: string) => string): Record<string, string> {
  const result: Record<string, string> = {};
  for (const text of texts) {
    const index = text.indexOf('=');
    const name = index === -1 ? text : text.slice(0, index);
    result[name] = index === -1 ? missing(name) : text.slice(index + 1);
  }
  return result;
}
