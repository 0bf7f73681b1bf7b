/** What a folder's function.yaml says. Its reader is loaded for folders that have one: it is as large as the page. */
import { useEffect, useState } from 'preact/hooks';
import type { ReadFunctionFile } from '#shared/folder/function-file.ts';

/** Undefined while it is being read. */
export function useFunctionFile(text: string | undefined): ReadFunctionFile | undefined {
  const [read, setRead] = useState<ReadFunctionFile | undefined>(text === undefined ? { file: {} } : undefined);
  useEffect(() => {
    if (text !== undefined) {
      parse(text).then(setRead, (error: unknown) => {
        setRead({ problem: ` cannot be read: ${error}`, next: 'Load the page anew.' });
      });
    }
  }, [text]);
  return read;
}

async function parse(text: string): Promise<ReadFunctionFile> {
  await import('./no-eval.ts');
  const { parseFunctionFile } = await import('#shared/folder/function-file.ts');
  return parseFunctionFile(text);
}
