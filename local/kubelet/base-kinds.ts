/**
 * The base images that the machine's own tools stand in for: an entry for each kind says all that is particular to it.
 */
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { Toolchain } from './toolchain.ts';

interface Kind {
  /** Matches the beginning of the last part of the repository, up to a `-`, `_` or `.` or to its end. */
  names: RegExp;
  /** What has to be on the machine; undefined for Node, which runs the platform itself. */
  needs?: { program: string; language: string; tool: 'interpreter' | 'compiler' };
  /** CMD of such an image. */
  command: string[];
  /** The machine's variables that its tools are told: where registries and caches are, never a credential of ours. */
  machineVariables: string[];
  environment: (toolchain: Toolchain, rootfs: string) => LanguageEnvironment;
}

/**
 * Folders for the front of PATH and variables, so that the language's tools work on the image's folder and never on the
 * machine's.
 */
export interface LanguageEnvironment {
  path: string[];
  env: Record<string, string>;
}

const kinds = {
  node: {
    names: /^node(js)?\d*/,
    command: ['node'],
    // Named one by one, since `npm run` exports the whole of npm's configuration as npm_config_*.
    machineVariables: `npm_config_registry npm_config_cache npm_config_proxy npm_config_https_proxy npm_config_noproxy
      npm_config_cafile npm_config_offline npm_config_prefer_offline NPM_CONFIG_REGISTRY NPM_CONFIG_CACHE
      NPM_CONFIG_CAFILE NPM_CONFIG_USERCONFIG`.split(/\s+/),
    environment: (toolchain, rootfs) => ({
      path: [join(rootfs, 'usr/local/bin'), toolchain.node],
      env: {
        // `npm install --global`.
        npm_config_prefix: join(rootfs, 'usr/local'),
        npm_config_update_notifier: 'false',
        // A build's folder is moved when it is done, and code compiled in it must stay valid.
        NODE_COMPILE_CACHE_PORTABLE: '1',
      },
    }),
  },
  python: {
    names: /^python\d*/,
    needs: { program: 'python3', language: 'Python', tool: 'interpreter' },
    command: ['python3'],
    machineVariables:
      `PIP_INDEX_URL PIP_EXTRA_INDEX_URL PIP_TRUSTED_HOST PIP_CERT PIP_PROXY PIP_CACHE_DIR PIP_CONFIG_FILE
      PIP_FIND_LINKS PIP_NO_INDEX PYENV_ROOT PYENV_VERSION`.split(/\s+/),
    environment: (toolchain, rootfs) => {
      const packages = join(rootfs, 'usr/local/lib/python-packages');
      return {
        path: [join(packages, 'bin'), toolchain.python, toolchain.node],
        env: {
          // Everything pip installs goes to a folder: that of the image, or the one of a --target, which overrides
          // this. Only therefore may it ignore a distribution's mark that its Python is "externally managed".
          PIP_TARGET: packages,
          PIP_BREAK_SYSTEM_PACKAGES: '1',
          PIP_DISABLE_PIP_VERSION_CHECK: '1',
          PIP_ROOT_USER_ACTION: 'ignore',
          PYTHONPATH: packages,
        },
      };
    },
  },
  golang: {
    names: /^(golang|go)\d*/,
    needs: { program: 'go', language: 'Go', tool: 'compiler' },
    command: [],
    machineVariables:
      `GOPROXY GOSUMDB GONOSUMDB GONOPROXY GOPRIVATE GOINSECURE GOFLAGS GOTOOLCHAIN GOROOT GOPATH GOCACHE
      GOMODCACHE`.split(/\s+/),
    environment: (toolchain, rootfs) => ({
      path: [join(rootfs, 'go/bin'), toolchain.node],
      env: { GOBIN: join(rootfs, 'go/bin') },
    }),
  },
  rust: {
    names: /^rust\d*/,
    needs: { program: 'cargo', language: 'Rust', tool: 'compiler' },
    command: [],
    machineVariables: ['CARGO_HOME', 'CARGO_HTTP_PROXY', 'CARGO_NET_OFFLINE', 'RUSTUP_HOME', 'RUSTUP_TOOLCHAIN'],
    // Crates come from the machine's own cache of them, and so does what was compiled of them: a minute for each
    // function else. What `cargo install` makes stays in the image.
    environment: (toolchain, rootfs) => ({
      path: [join(rootfs, 'usr/local/cargo/bin'), toolchain.node],
      env: {
        CARGO_BUILD_BUILD_DIR: join(homedir(), '.cache/knative-lambda/cargo'),
        CARGO_INSTALL_ROOT: join(rootfs, 'usr/local/cargo'),
      },
    }),
  },
} satisfies Record<string, Kind>;

/** `none` has nothing but the machine's shell. */
export type BaseKind = keyof typeof kinds | 'none';

const table: Record<string, Kind | undefined> = kinds;

/** Told by the last part of the repository: `node`, `python-slim`, `cgr.dev/chainguard/go`. */
export function baseKind(image: string): BaseKind {
  const name = (image.split('@')[0] ?? '').split('/').at(-1)?.split(':')[0] ?? '';
  const found = Object.entries(kinds).find(
    ([, { names }]) => /^([-_.]|$)/.test(name.replace(names, '')) && names.test(name),
  );
  return found === undefined ? 'none' : (found[0] as BaseKind);
}

export function neededProgram(kind: BaseKind): Kind['needs'] {
  return table[kind]?.needs;
}

export function commandOf(kind: BaseKind): string[] {
  return table[kind]?.command ?? [];
}

export function languageEnvironment(toolchain: Toolchain, kind: BaseKind, rootfs: string): LanguageEnvironment {
  return table[kind]?.environment(toolchain, rootfs) ?? { path: [toolchain.node], env: {} };
}

export const machineVariables: string[] = Object.values(kinds).flatMap((kind) => kind.machineVariables);
