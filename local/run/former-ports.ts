/**
 * The ports of the last run, kept in the platform's folder: builds under way and people's shells still know its
 * addresses.
 */
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const FILE = 'ports.json';

export class FormerPorts {
  readonly #file: string;
  readonly #former: Record<string, number>;
  readonly #taken: Record<string, number> = {};

  constructor(directory: string) {
    this.#file = join(directory, FILE);
    this.#former = readPorts(this.#file);
  }

  /** Starts something that listens on the port asked for; where any will do (0), on its former one, if that is free. */
  async listen<T extends { url: string }>(
    variable: string,
    asked: number,
    start: (port: number) => Promise<T>,
  ): Promise<T> {
    const former = asked === 0 ? this.#former[variable] : undefined;
    const again = former === undefined ? undefined : await start(former).catch(unlessTaken);
    const started = again ?? (await onPort(variable, asked, () => start(asked)));
    this.#taken[variable] = Number(new URL(started.url).port);
    return started;
  }

  /** For the next run. */
  keep(): void {
    writeFileSync(`${this.#file}.new`, JSON.stringify(this.#taken));
    renameSync(`${this.#file}.new`, this.#file);
  }
}

/**
 * Starts something that listens. A port that somebody else has is the commonest failure of a first start: the message
 * names it and its variable.
 */
export async function onPort<T>(variable: string, port: number, start: () => Promise<T>): Promise<T> {
  try {
    return await start();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EADDRINUSE' || code === 'EACCES') {
      const problem = code === 'EACCES' ? 'is not ours to listen at' : 'is taken';
      throw new Error(
        `port ${port} of 127.0.0.1 ${problem}: choose another by ${variable}=… (0 takes any free one), or end what listens there`,
        { cause: error },
      );
    }
    throw error;
  }
}

function unlessTaken(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'EADDRINUSE') {
    throw error;
  }
}

/** Nothing where the file is spoilt: any free port will do. */
function readPorts(file: string): Record<string, number> {
  try {
    const ports = JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>;
    return Object.fromEntries(
      Object.entries(ports).filter(
        (entry): entry is [string, number] =>
          Number.isInteger(entry[1]) && Number(entry[1]) > 0 && Number(entry[1]) < 65_536,
      ),
    );
  } catch {
    return {};
  }
}
