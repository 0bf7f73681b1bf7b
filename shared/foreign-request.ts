/**
 * Which requests a server on loopback refuses. It asks nobody who they are, since it trusts the programs of its
 * machine. It must not trust web pages: a browser runs them on this machine as well.
 */

interface Asked {
  host?: string | undefined;
  origin?: string | undefined;
}

/** Names that lead to this machine alone, whatever a DNS server says. Browsers resolve `*.localhost` themselves. */
const MACHINE = /^(localhost|127\.0\.0\.1|\[::1\]|[a-z0-9.-]+\.localhost)\.?(:\d+)?$/i;
/** Names of Services, which the embedded Broker sends in the Host header. No public DNS server can give them. */
const CLUSTER = /^[a-z0-9.-]+\.svc(\.cluster\.local)?\.?(:\d+)?$/i;

/**
 * Why the request is refused, undefined where it is not.
 *
 * The Host header shows DNS rebinding: a page whose name was pointed at 127.0.0.1 sends its own name. The Origin header
 * shows a page that sends requests to another origin; browsers add it to everything but GET and HEAD. Programs send
 * none. `isFunction`: the server is also called by the names of Services.
 */
export function foreignRequest({ host = '', origin }: Asked, isFunction = false): string | undefined {
  if (!MACHINE.test(host) && !(isFunction && CLUSTER.test(host))) {
    return `this server answers on localhost only, not for host "${host}"`;
  }
  return origin === undefined || MACHINE.test(origin.replace(/^https?:\/\//, ''))
    ? undefined
    : `this server answers no web page of "${origin}"`;
}
