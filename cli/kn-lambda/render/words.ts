/** Messages of the platform in the words of the command: it is told to people who send events as well. */
import { printable } from '#shared/printable.ts';

/** `log`: how to see the whole log of a build, in place of the way by S3. */
export function inOurWords(message: string, log?: string): string {
  return printable(message)
    .replace(/^Revision "[^"]*" failed with message: (Container failed with: )?/, '')
    .replaceAll(/(?:upload it, )?(then )?send `?build\.start`? again/g, '$1deploy again')
    .replaceAll(/ ?The whole log: `aws [^`]*`\.?/g, log === undefined ? '' : ` The whole log: ${log}`);
}
