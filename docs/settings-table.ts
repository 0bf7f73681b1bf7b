/** What is written from the table of settings: `npm run docs` writes it, a test compares it. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { stringify } from 'yaml';
import { defaultOf } from '#shared/settings/select.ts';
import { GROUPS, SETTINGS, type Setting } from '#shared/settings/table.ts';

const ROOT = resolve(import.meta.dirname, '..');
const SOURCE = 'shared/settings/table.ts, by `npm run docs`';
const WIDTH = 120;

/** Path → text. Of docs/settings.md only the table is written. */
export function settingsFiles(): Record<string, string> {
  return {
    'eventing/base/functions/config.yaml': configMap(),
    'deploy/settings.example.env': exampleFile(),
    'docs/settings.md': readFileSync(join(ROOT, 'docs/settings.md'), 'utf8').replace(
      /(<!-- settings -->\n)[\s\S]*?(<!-- end -->)/,
      (_all, begin: string, end: string) => `${begin}${table()}\n${end}`,
    ),
  };
}

const settings = Object.entries<Setting>(SETTINGS);

function configMap(): string {
  const defaults = settings.flatMap(([name, setting]) => {
    const value = setting.from === 'ConfigMap' ? defaultOf(setting) : undefined;
    return value === undefined ? [] : [[name, value]];
  });
  const object = {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'knative-lambda-config', labels: { 'app.kubernetes.io/part-of': 'knative-lambda' } },
    data: Object.fromEntries(defaults),
  };
  return `# Every setting of the builder's functions that has a default. Overlays set the others, and what differs there.
# Written from ${SOURCE}. docs/settings.md explains each.
${stringify(object)}`;
}

function exampleFile(): string {
  const sections = GROUPS.map((group) => {
    const title = `# --- ${group} `;
    const lines = settings.flatMap(([name, setting]) => (setting.group === group ? exampleLines(name, setting) : []));
    return [title.padEnd(WIDTH, '-'), ...lines].join('\n');
  });
  return `# Settings of one environment. Copy to .env.<env> (git ignores it), or name the file: make deploy ENV=dev SETTINGS=path.
# KEY=value lines; quote values that contain a #. A key that is left out has the value of eventing/overlays/<env>; an
# empty value removes that one. Not for here: BUILDER_IMAGE (it is IMAGE), NAMESPACE and BUILDS_NAMESPACE (from ENV).
# Written from ${SOURCE}.

${sections.join('\n\n')}
`;
}

function exampleLines(name: string, setting: Setting): string[] {
  const value = setting.example ?? defaultOf(setting) ?? '';
  return [...wrapped(setting.says), `${setting.fillIn ? '' : '#'}${name}=${value}`];
}

/** Comment lines of at most WIDTH columns. */
function wrapped(sentence: string): string[] {
  const lines: string[] = [];
  for (const word of sentence.split(' ')) {
    const last = lines.at(-1);
    if (last !== undefined && `${last} ${word}`.length <= WIDTH) {
      lines[lines.length - 1] = `${last} ${word}`;
    } else {
      lines.push(`# ${word}`);
    }
  }
  return lines;
}

function table(): string {
  const order: Setting['from'][] = ['ConfigMap', 'Secret', 'make', 'pod'];
  const rows = settings
    .toSorted(([, a], [, b]) => order.indexOf(a.from) - order.indexOf(b.from))
    .map(([name, setting]) => {
      const initial = defaultOf(setting);
      const given = setting.givenBy ? ` Not for the file: ${setting.givenBy}.` : '';
      return [
        `\`${name}\``,
        initial === undefined ? '' : `\`${initial}\``,
        setting.from,
        setting.readBy.join(', '),
        `${setting.says}${given}`,
      ];
    });
  const head = ['setting', 'default', 'from', 'read by', 'what it says'];
  return [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

if (import.meta.main) {
  for (const [path, text] of Object.entries(settingsFiles())) {
    writeFileSync(join(ROOT, path), text);
  }
}
