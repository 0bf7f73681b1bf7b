import type { Command } from 'commander';
import { EXIT, Exit, wrongUse } from '#cli/kn-lambda/failure.ts';
import { connectable, shown } from '#cli/kn-lambda/options.ts';
import { explanationText } from '#cli/kn-lambda/render/explanation.ts';
import { show } from '#cli/kn-lambda/render/output.ts';
import { type CommonOptions, openSession, type Runtime, type Session } from '#cli/kn-lambda/session.ts';
import { explanationSchema } from '#shared/api/schemas.ts';

const ABOUT = ['build', 'call', 'function', 'letter', 'now'] as const;
type About = (typeof ABOUT)[number];

const EXAMPLES = `
Examples:
  kn-lambda explain                      what is wrong now, of all that you may see
  kn-lambda explain hello                why the function is as it is
  kn-lambda explain build hello          its last build; or one by its id: explain build hello ID
  kn-lambda explain call hello ID        one call that failed
  kn-lambda explain letter ID            one dead letter`;

export function addExplain(program: Command, runtime: Runtime): void {
  const command = program
    .command('explain')
    .argument('[about]', 'build, call, function, letter, or the name of a function')
    .argument('[function]', 'NAME or TENANT/NAME; default: that of this folder')
    .argument('[id]', 'of the build, the call or the letter; default: the last one')
    .description('why: the cause in a sentence, its evidence, and what mends it. Exit code 1 where something is wrong')
    .addHelpText('after', EXAMPLES);
  connectable(shown(command)).action(
    async (about: string | undefined, name: string | undefined, id: string | undefined, options: CommonOptions) => {
      const session = await openSession(options, runtime);
      const query = await queryOf(session, about, name, id);
      const found = await session.api.get('/api/v1/explain', explanationSchema, { query, signal: runtime.signal });
      show(found, runtime, options, {
        text: (explanation) =>
          runtime.terminal.asCalled(explanationText(explanation, runtime.terminal.paint, session.api.asGiven)),
        names: ({ reason, healthy }) => [reason ?? (healthy ? 'healthy' : 'unknown')],
      });
      if (!found.healthy) {
        throw new Exit(EXIT.failed);
      }
    },
  );
}

async function queryOf(session: Session, about: string | undefined, name: string | undefined, id: string | undefined) {
  if (about === undefined || about === 'now') {
    return { about: 'now', third_party_id: session.tenant() };
  }
  const kind: About =
    about === 'dead-letter' ? 'letter' : ABOUT.includes(about as About) ? (about as About) : 'function';
  if (kind === 'letter') {
    const letter = id ?? name;
    if (letter === undefined) {
      throw wrongUse('which dead letter?', 'Say its id: kn-lambda dead-letters list shows them.');
    }
    return { about: kind, id: letter };
  }
  const named = kind === 'function' && about !== 'function' ? about : name;
  return { about: kind, ...(await session.identity(named)), id };
}
