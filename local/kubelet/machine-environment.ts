/** What of the platform's own environment a container sees: how to reach the network and where caches are, never a credential of ours. */

/** Proxies and the certificates that go with them; then package managers. Of npm one by one, since `npm run` exports all of its configuration. */
const NAMES = `PATH HOME TMPDIR LANG LC_ALL TZ
  HTTP_PROXY HTTPS_PROXY NO_PROXY ALL_PROXY http_proxy https_proxy no_proxy all_proxy
  SSL_CERT_FILE SSL_CERT_DIR NODE_EXTRA_CA_CERTS REQUESTS_CA_BUNDLE CURL_CA_BUNDLE
  npm_config_registry npm_config_cache npm_config_proxy npm_config_https_proxy npm_config_noproxy npm_config_cafile npm_config_offline
  npm_config_prefer_offline NPM_CONFIG_REGISTRY NPM_CONFIG_CACHE NPM_CONFIG_CAFILE NPM_CONFIG_USERCONFIG
  PIP_INDEX_URL PIP_EXTRA_INDEX_URL PIP_TRUSTED_HOST PIP_CERT PIP_PROXY PIP_CACHE_DIR PIP_CONFIG_FILE PIP_FIND_LINKS PIP_NO_INDEX
  PYENV_ROOT PYENV_VERSION
  GOPROXY GOSUMDB GONOSUMDB GONOPROXY GOPRIVATE GOINSECURE GOFLAGS GOTOOLCHAIN GOROOT GOPATH GOCACHE GOMODCACHE`.split(
  /\s+/,
);

export function machineEnvironment(from: NodeJS.ProcessEnv = process.env): Record<string, string> {
  const environment: Record<string, string> = {};
  for (const name of NAMES) {
    const value = from[name];
    if (value !== undefined) {
      environment[name] = value;
    }
  }
  return environment;
}
