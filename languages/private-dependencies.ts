/** How the steps of a generated Dockerfile use the tenant's registry credentials, and how they forget them. */
import { GENERATED_FOLDER } from '#shared/packing/safe-paths.ts';
import type { GeneratedFile } from '#shared/packing/types.ts';
import { PRIVATE_FOLDER } from '#shared/specs/build-pod/private-dependencies.ts';
import { generated } from './generated-files.ts';

const NAME = 'private.sh';
/** To be copied into the stage before installStep. */
export const INSTALL_SCRIPT = `${GENERATED_FOLDER}/${NAME}`;

/** RUN of the one step that may use the credentials. They are gone when it ends, however it ends. */
export function installStep(command: string): string {
  return `RUN private=${PRIVATE_FOLDER}; . ${INSTALL_SCRIPT}; ${command}`;
}

/**
 * RUN of every step after it. Kaniko takes an installation from its cache without running it, so that nothing is
 * removed there: each later step removes the files itself before it does anything else.
 */
export function laterStep(command: string): string {
  return `RUN rm -rf ${PRIVATE_FOLDER} && ${command}`;
}

export function installScript(): GeneratedFile {
  return generated(NAME, SCRIPT);
}

/**
 * Variables are set only where the tenant has such a file, so that the configuration of a base image counts otherwise.
 * npm and pip say only in their own logs which host refused which package. After a failure these lines are printed,
 * for shared/builds/denied-dependency.ts. A pip that keeps a log no longer prints what a build backend said. So it
 * keeps one only for a tenant with credentials, and the end of it is printed then.
 *
 * Kubernetes keeps the last 2 KiB of what a container wrote, and npm's usage text and what node-gyp tells of itself are
 * longer: then the beginning, which says why, is printed once more.
 */
const SCRIPT = `# Read by the step that installs dependencies. $private is the folder of the tenant's credentials.
if [ -f "$private/.npmrc" ]; then export npm_config_userconfig="$private/.npmrc"; fi
log=.knative-lambda/pip.log
if [ -f "$private/pip.conf" ]; then export PIP_CONFIG_FILE="$private/pip.conf" PIP_LOG="$PWD/$log"; fi
if [ -f "$private/.netrc" ]; then export NETRC="$private/.netrc" PIP_LOG="$PWD/$log"; fi
if [ -f "$private/go.env" ]; then export GOENV="$private/go.env"; fi
if [ -f "$private/.gitconfig" ]; then
  export GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0=include.path GIT_CONFIG_VALUE_0="$private/.gitconfig"
fi
export GIT_TERMINAL_PROMPT=0
finish() {
  code=$?
  rm -rf "$private"
  if [ "$code" -ne 0 ]; then
    errors=$(sed -n 's/^[0-9]* error /npm error /p' .knative-lambda/cache/_logs/*.log 2>/dev/null | grep -v 'gyp [a-z]')
    if [ "$(printf '%s' "$errors" | wc -l)" -gt 20 ]; then printf '%s\n' "$errors" | head -n 12 | cut -c 1-200; fi
    grep -hs 'http fetch GET 40[134]' .knative-lambda/cache/_logs/*.log | cut -d ' ' -f 2- | tail -n 4
    grep -hs ' 40[134] Client Error' "$log" | cut -d ' ' -f 2- | tail -n 4
    if grep -qs 'See above for output' "$log"; then cut -d ' ' -f 2- "$log" | tail -n 60; fi
  fi
  rm -f "$log"
  exit "$code"
}
trap finish EXIT
`;
