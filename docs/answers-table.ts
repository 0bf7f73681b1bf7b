/** The table of what every language's function answers, made of the cases that the conformance suite sends. */
import { type Answer, CASES, type Case, LANGUAGES, type Language } from '#test/languages/conformance/cases.ts';

const NAMES: Record<Language, string> = { node: 'Node', python: 'Python', go: 'Go', rust: 'Rust' };
const MAX_LENGTH = 70;

export function answerRows(): { head: string[]; rows: string[][] } {
  return {
    head: ['', 'case', 'answer', 'otherwise'],
    rows: CASES.map((one, index) => [
      CASES[index - 1]?.area === one.area ? '' : one.area,
      one.case,
      [told(one.answer), ...headersOf(one)].join('; '),
      otherwise(one),
    ]),
  };
}

function told(answer: Answer): string {
  if ('result' in answer) {
    return code(written(answer.result));
  }
  return 'error' in answer
    ? `${code(answer.error)}${answer.says ? `: ${shown(answer.says)}` : ''}`
    : `status ${answer.status}`;
}

function headersOf({ reply = {}, contextId }: Case): string[] {
  const headers = Object.entries(reply).map(([name, value]) => code(`${name}: ${value}`));
  return contextId === undefined ? headers : [...headers, code(`context_id: ${written(contextId)}`)];
}

function otherwise({ but = {} }: Case): string {
  const byText = new Map<string, string[]>();
  for (const language of LANGUAGES) {
    const answer = but[language];
    if (answer !== undefined) {
      const text = answer === 'none' ? 'there is none' : told(answer);
      byText.set(text, [...(byText.get(text) ?? []), NAMES[language]]);
    }
  }
  return [...byText].map(([text, languages]) => `${languages.join(', ')}: ${text}`).join('; ');
}

function written(value: unknown): string {
  const json = JSON.stringify(value, (_, entry) => (typeof entry === 'bigint' ? `${entry}n` : entry));
  return json.replaceAll(/"(-?\d+)n"/g, '$1');
}

function code(text: string): string {
  const short = shown(text);
  return short.includes('`') ? short : `\`${short}\``;
}

function shown(text: string): string {
  const line = text.replaceAll('\n', '\\n').replaceAll('|', '\\|');
  return line.length > MAX_LENGTH ? `${line.slice(0, MAX_LENGTH)}…` : line;
}
