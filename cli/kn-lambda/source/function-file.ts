/** Reads the `function.yaml` of a folder. It is not uploaded. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Failure } from '#cli/kn-lambda/failure.ts';
import { type FunctionFile, parseFunctionFile } from '#shared/folder/function-file.ts';
import { FUNCTION_FILE } from '#shared/folder/left-out.ts';

/** Empty where there is none. */
export function readFunctionFile(folder: string): FunctionFile {
  const file = join(folder, FUNCTION_FILE);
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') {
      return {};
    }
    throw new Failure(`${file} cannot be read: ${(error as Error).message}`, { next: 'Mend it, or remove it.' });
  }
  const read = parseFunctionFile(text);
  if ('problem' in read) {
    throw new Failure(`${file}${read.problem}`, { next: read.next });
  }
  return read.file;
}
