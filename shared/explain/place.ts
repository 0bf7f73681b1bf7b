/** A command as it can be pasted where the platform is: with its namespace, or without kubectl on a laptop. */
import type { Next } from './advice.ts';

export interface Place {
  platform: 'laptop' | 'cluster';
  namespace: string;
  buildsNamespace?: string;
}

type Given = Omit<Next, 'command'> & { command?: string | undefined };

/** Objects of no namespace, and what names one itself. */
const ANYWHERE =
  /(?: -n | --namespace[ =]| -A\b| --all-namespaces\b)|^kubectl (?:version|api-resources|cluster-info)\b|^kubectl (?:get|describe) nodes?\b/;
/** What only looks: a laptop has nothing to be looked at but logs. */
const LOOKS = /^kubectl (?:get|describe|version|api-resources|logs)\b/;

export function placed<Some extends Given>(next: Some, place: Place): Some {
  const { command } = next;
  if (command === undefined) {
    return next;
  }
  if (place.platform === 'cluster') {
    return inNamespace(next, command, place);
  }
  if (command === 'make deploy') {
    return {
      ...next,
      say: `${next.say}: on a laptop that is make run, which deploys at its start`,
      command: 'make run',
    };
  }
  return LOOKS.test(command)
    ? {
        ...next,
        say: `${next.say}; on a laptop the output of make run has it, and doctor looks at it again`,
        command: 'kn-lambda doctor',
      }
    : inNamespace(next, command, place);
}

/** Where the sentence has the command in it, there too. */
function inNamespace<Some extends Given>(next: Some, command: string, place: Place): Some {
  const whole = eachPart(command, (part) => withNamespace(part, place));
  return { ...next, say: next.say.replaceAll(command, () => whole), command: whole };
}

function withNamespace(part: string, { namespace, buildsNamespace }: Place): string {
  if (!part.startsWith('kubectl ') || ANYWHERE.test(part)) {
    return part;
  }
  return `${part} -n ${/component=build\b/.test(part) ? (buildsNamespace ?? namespace) : namespace}`;
}

function eachPart(command: string, change: (part: string) => string): string {
  return command
    .split(/( \| | && )/)
    .map((part, index) => (index % 2 === 0 ? change(part) : part))
    .join('');
}
