/** What a network error is, as a person should read it. */

/**
 * The code of a network error (ECONNREFUSED, ETIMEDOUT …), which undici and the AWS SDK keep in a chain of `cause`. Of
 * one of TLS also what it means, and what to do.
 */
export function networkCode(error: unknown): string {
  for (let current = error, depth = 0; current instanceof Error && depth < 5; current = current.cause, depth++) {
    const code = (current as NodeJS.ErrnoException).code;
    if (typeof code === 'string') {
      const meaning = TLS_FAILURES.find(([codes]) => codes.test(code))?.[1];
      return meaning ? `${code}: ${meaning}` : code;
    }
    if (current.name === 'TimeoutError' || current.name === 'AbortError') {
      return 'no answer in time';
    }
  }
  return 'no answer';
}

/** The codes of OpenSSL, and of Node where it checks more. */
const TLS_FAILURES: [codes: RegExp, meaning: string][] = [
  [
    /^(DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_VERIFY_LEAF_SIGNATURE|UNABLE_TO_GET_ISSUER_CERT(_LOCALLY)?)$/,
    'its certificate is of an authority that is not trusted here. Put that authority into the ConfigMap that CA_CONFIG_MAP names, for build pods BUILD_CA_CONFIG_MAP',
  ],
  [
    /^CERT_(HAS_EXPIRED|NOT_YET_VALID)$/,
    'its certificate is not valid at this time: renew it, or set the clocks right',
  ],
  [/^ERR_TLS_CERT_ALTNAME_INVALID$/, 'its certificate is for other names: use an address that it names'],
  [/^(EPROTO|ERR_SSL_\w+)$/, 'what answers there does not speak TLS as we do: perhaps the address is one of http'],
];
