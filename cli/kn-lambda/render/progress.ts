/** Steps that take time: living lines on a terminal, plain lines elsewhere. Both go to standard error. */
import { Listr, ListrLogger, ProcessOutput } from 'listr2';
import type { Terminal } from '#cli/kn-lambda/terminal.ts';
import { took } from './time.ts';

/** `isOften`: of many, so that it would fill a file. */
export type Tell = (text: string, isOften?: boolean) => void;

/** The work tells what is going on, and gives what has become of it. */
export type Work<T> = (tell: Tell) => Promise<{ title: string; value: T }>;

export interface Steps {
  step<T>(title: string, work: Work<T>): Promise<T>;
}

export function createSteps(terminal: Terminal): Steps {
  const { isTTY, columns = 0 } = terminal.err;
  return isTTY === true && columns > 20 ? living(terminal) : plain(terminal);
}

function plain({ note, paintNote }: Terminal): Steps {
  return {
    step: async (title, work) => {
      const began = performance.now();
      try {
        let before = '';
        const done = await work((text, isOften = false) => {
          if (text !== before && !isOften) {
            note(`  ${title}: ${text}`);
          }
          before = text;
        });
        note(`${paintNote('green', '✔')} ${done.title} (${took(performance.now() - began)})`);
        return done.value;
      } catch (error) {
        note(`${paintNote('red', '✖')} ${title}`);
        throw error;
      }
    },
  };
}

function living(terminal: Terminal): Steps {
  const stream = terminal.err as NodeJS.WriteStream;
  return {
    step: async <T>(title: string, work: Work<T>) => {
      const began = performance.now();
      let value: T | undefined;
      const list = new Listr(
        [
          {
            title,
            task: async (_context, task) => {
              const done = await work((text) => {
                task.title = `${title}: ${text}  ${terminal.paintNote('dim', took(performance.now() - began))}`;
              });
              value = done.value;
              task.title = `${done.title}  ${terminal.paintNote('dim', took(performance.now() - began))}`;
            },
          },
        ],
        {
          registerSignalListeners: false,
          rendererOptions: {
            showErrorMessage: false,
            logger: new ListrLogger({ processOutput: new ProcessOutput(stream, stream) }),
          },
        },
      );
      await list.run();
      return value as T;
    },
  };
}
