/** The arguments of COPY and ADD. */
import { BuildError } from './build-error.ts';
import type { CopyStep } from './copy-step.ts';
import type { Instruction } from './dockerfile.ts';
import { splitWords } from './dockerfile-words.ts';

export interface CopyRequest {
  step: Omit<CopyStep, 'tree'>;
  /** `--from`. */
  from: string | undefined;
}

interface Scope {
  expand(text: string): string;
  /** From the working directory. */
  absolute(path: string): string;
}

/** Throws BuildError. */
export function readCopy({ keyword, exec, text, flags }: Instruction, scope: Scope): CopyRequest {
  const sources = (exec ?? splitWords(text)).map((word) => scope.expand(word));
  const destination = sources.pop();
  if (destination === undefined || sources.length === 0) {
    throw new BuildError(`${keyword} requires at least two arguments, but only one was provided`);
  }
  const other = sources.find((word) => /^(https?|git|ssh):\/\/|^git@|\.(tar|tgz|tar\.\w+)$/.test(word));
  if (keyword === 'ADD' && other !== undefined) {
    throw new BuildError(
      `ADD of ${other}: the embedded platform adds local files alone, as they are; fetch or unpack it in a RUN step`,
    );
  }
  const { chmod, from } = flags;
  const digits = chmod === undefined ? undefined : scope.expand(chmod);
  const mode = digits === undefined ? undefined : /^[0-7]{1,4}$/.test(digits) ? Number.parseInt(digits, 8) : Number.NaN;
  if (Number.isNaN(mode)) {
    throw new BuildError(`--chmod=${chmod}: only octal modes are supported`);
  }
  const isFolder = /(^|\/)\.?$/.test(destination);
  const target = `${scope.absolute(destination)}${isFolder ? '/' : ''}`.replace(/\/+$/, '/');
  return {
    step: { sources, destination: target, mode },
    from: from === undefined ? undefined : scope.expand(from),
  };
}
