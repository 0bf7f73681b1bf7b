/**
 * How the steps of a generated Dockerfile use the tenant's registry credentials, and how they forget them; and how they
 * use what the tenant's earlier builds have downloaded.
 */
import { GENERATED_FOLDER } from '#shared/packing/safe-paths.ts';
import type { GeneratedFile } from '#shared/packing/types.ts';
import { DOWNLOADS_DIRECTORY, LIMIT_FILE } from '#shared/specs/build-pod/downloads.ts';
import { PRIVATE_FOLDER } from '#shared/specs/build-pod/private-dependencies.ts';
import { generated } from './generated-files.ts';

const NAME = 'private.sh';
/** To be copied into the stage before installStep. */
export const INSTALL_SCRIPT = `${GENERATED_FOLDER}/${NAME}`;

/** RUN of the one step that may use the credentials. They are gone when it ends, however it ends. */
export function installStep(command: string): string {
  return `RUN private=${PRIVATE_FOLDER} downloads=${DOWNLOADS_DIRECTORY}; . ${INSTALL_SCRIPT}; ${command}`;
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

# What earlier builds have downloaded: $1, as a folder $2 of the manager's cache.
take_downloads() {
  if [ -d "$downloads/kept/$1" ]; then
    { mkdir -p "$2" && cp -Rp "$downloads/kept/$1/." "$2"; } 2>/dev/null || rm -rf "$2"
  fi
  return 0
}
# What is new in that folder, for later builds. Never a reason to fail.
add_downloads() {
  limit="$downloads/${LIMIT_FILE}"
  if [ -f "$limit" ] && [ -n "$(find "$2" -type f -newer "$limit" 2>/dev/null | head -n 1)" ] &&
    [ "$(du -sk "$2" | cut -f 1)" -le "$(cat "$limit")" ]; then
    { mkdir -p "$downloads/added" && cp -R "$2" "$downloads/added/$1" && chmod -R a+rX "$downloads/added"; } 2>/dev/null ||
      rm -rf "$downloads/added"
  fi
  return 0
}
# Both run the command $@. pip and Go fail where a file is not what index or go.sum say: then nothing of what was kept
# is used, and it is replaced.
with_kept_packages() {
  if [ ! -f "$downloads/${LIMIT_FILE}" ]; then
    "$@"
    return
  fi
  cache=.knative-lambda/pip-cache output=.knative-lambda/pip-output
  take_downloads pip "$cache/http-v2"
  { "$@" --cache-dir="$cache" 2>&1; echo $? >"$output.code"; } | tee "$output"
  code=$(cat "$output.code")
  if [ "$code" -ne 0 ] && [ -d "$downloads/kept/pip" ] && grep -q 'DO NOT MATCH THE HASHES' "$output"; then
    echo 'What an earlier build has downloaded is not that: downloading all anew.'
    rm -rf "$downloads/kept/pip" "$cache"
    "$@" --cache-dir="$cache"
    code=$?
  fi
  if [ "$code" -eq 0 ]; then add_downloads pip "$cache/http-v2"; fi
  rm -rf "$cache" "$output" "$output.code"
  return "$code"
}
with_kept_modules() {
  if [ -d "$downloads/kept/go" ]; then
    GOPROXY="file://$downloads/kept/go,$(go env GOPROXY)" "$@" && add_modules && return
    echo 'Not with what earlier builds have downloaded: downloading all anew.'
    rm -rf "$downloads/kept/go"
  fi
  "$@" && add_modules
}
# Those that this build needs, of a folder that may have others'.
add_modules() {
  if [ -f "$downloads/${LIMIT_FILE}" ]; then
    from="$(go env GOMODCACHE)/cache/download"
    go mod download -json | sed -n 's/^.*"\\(Info\\|GoMod\\|Zip\\)": "\\(.*\\)".*$/\\2/p' | while read -r file; do
      path=\${file#"$from/"}
      if [ "$path" != "$file" ] && [ ! -e "$downloads/kept/go/$path" ]; then
        mkdir -p "$downloads/added/go/\${path%/*}" && cp "$file" "$downloads/added/go/$path"
      fi
    done 2>/dev/null
    chmod -R a+rX "$downloads/added" 2>/dev/null
  fi
  return 0
}
`;
