/** Messages of the platform in the words of the command: it is told to people who send events as well. */
import { printable } from '#shared/printable.ts';

/** "1 file", "2 files". */
export function many(count: number, thing: string): string {
  return `${count} ${thing}${count === 1 ? '' : 's'}`;
}

/** What is said of `build.start`, and what it is called here. */
const DEPLOY: [RegExp, string][] = [
  [/send `?build\.start`? (?:to (?:deploy|build) (?:it|the function) again|instead)/gi, 'deploy it again'],
  [/send `?build\.start`? with "force": true/gi, 'deploy it by kn-lambda deploy --force'],
  [/(?:upload it, )?then send `?build\.start`?(?: again)?/gi, 'then deploy again'],
  [/send `?build\.start`?(?: again)?/gi, 'deploy again'],
  [/deploy it by `?build\.start`?/gi, 'deploy it by kn-lambda deploy'],
];

/** `log`: how to see the whole log of a build, in place of the way by S3. */
export function inOurWords(message: string, log?: string): string {
  const plain = printable(message).replace(/^Revision "[^"]*" failed with message: (Container failed with: )?/, '');
  return DEPLOY.reduce(
    (text, [said, here]) => text.replaceAll(said, (found) => likeFirst(found, here)),
    plain,
  ).replaceAll(/ ?The whole log: `aws [^`]*`\.?/g, log === undefined ? '' : ` The whole log: ${log}`);
}

/** Begins with a capital letter where `found` does. */
function likeFirst(found: string, text: string): string {
  const first = found.charAt(0);
  return first === first.toUpperCase() ? text.charAt(0).toUpperCase() + text.slice(1) : text;
}
