/** A handler that ends the process would end every other call in it, and its own call would be made again and again. */

export class ProcessExit extends Error {
  override readonly name = 'ProcessExit';
}

/** From now on `process.exit` throws. Returns what it did before. */
export function refuseExit(): (code: number) => never {
  const exit = process.exit.bind(process);
  process.exit = (code = 0) => {
    throw new ProcessExit(`the handler called process.exit(${code}): return its result, or throw an error, instead`);
  };
  return exit;
}
