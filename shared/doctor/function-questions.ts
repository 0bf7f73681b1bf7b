/** The functions of a tenant, or of all. */
import type { KnativeObject } from '#shared/clients/cluster.ts';
import { MINUTE } from '#shared/durations.ts';
import { readBuild } from '#shared/specs/annotations.ts';
import { deliveryOf } from '#shared/specs/delivery.ts';
import { failed, nameOf, noneOf, type Question, some, warning } from './check.ts';
import { notReady, restarted, troubled } from './cluster-questions.ts';

const SLOW_START = 10 * MINUTE;

export const FUNCTIONS_QUESTIONS: Question[] = [
  {
    name: 'functions-start',
    needs: 'Services of functions',
    look: ({ functions }) => {
      const bad = functions?.flatMap((one) => {
        const isFailed = one.status?.conditions?.some(
          ({ type, status }: { type: string; status: string }) => type === 'Ready' && status === 'False',
        );
        return isFailed ? [`${nameOf(one)} (${notReady(one)})`] : [];
      });
      return noneOf(bad, `${functions?.length ?? 0} functions, none has failed`, (found) =>
        failed(`does not start: ${some(found)}`, 'Let explain say why', 'kn-lambda explain'),
      );
    },
  },
  {
    name: 'slow-starts',
    needs: 'Services of functions',
    look: ({ functions, now }) => {
      const slow = functions?.filter(({ metadata, status }) => {
        const ready = status?.conditions?.find(({ type }: { type: string }) => type === 'Ready');
        return ready?.status === 'Unknown' && now.getTime() - Date.parse(metadata.creationTimestamp ?? '') > SLOW_START;
      });
      return noneOf(slow, 'none takes long to start', (found) =>
        warning(
          `starting for more than 10 minutes: ${some(found.map(nameOf))}`,
          'Let explain say what its pod waits for',
          'kn-lambda explain',
        ),
      );
    },
  },
  {
    name: 'function-pods',
    needs: 'pods of functions',
    look: ({ functionPods }) =>
      noneOf(functionPods && troubled(functionPods), 'every pod of a function starts', (bad) =>
        failed(`does not start: ${some(bad)}`, 'Let explain say why', 'kn-lambda explain'),
      ),
  },
  {
    name: 'crashing-functions',
    needs: 'pods of functions',
    look: ({ functionPods }) =>
      noneOf(functionPods && restarted(functionPods), 'none is started again and again', (often) =>
        warning(
          `started again and again: ${some(often)}`,
          'Let explain say how its last run ended',
          'kn-lambda explain',
        ),
      ),
  },
  {
    name: 'memory-limits',
    needs: 'Services of functions',
    look: ({ functions, platform }) =>
      noneOf(
        functions?.filter((one) => platform === 'laptop' && readBuild(one)?.parameters.resources?.limits?.memory),
        platform === 'laptop'
          ? 'no function asks for a limit, which a laptop would not enforce'
          : 'limits are enforced',
        (limited) =>
          warning(
            `a laptop enforces no limit of memory: ${some(limited.map(nameOf))} may take more here than in a cluster, which ends what does`,
            'Let its log say how much it takes, or try it in a cluster',
            `kn-lambda logs ${nameOf(limited[0] as KnativeObject)}`,
          ),
      ),
  },
  {
    name: 'images-by-digest',
    needs: 'Services of functions',
    look: ({ functions }) =>
      noneOf(
        functions?.filter(
          ({ spec }) => !/@sha256:[0-9a-f]{64}$/.test(spec?.template?.spec?.containers?.[0]?.image ?? ''),
        ),
        'every function runs what was built, by digest',
        (loose) =>
          failed(
            `run another image: ${some(loose.map(nameOf))}`,
            'Somebody has changed the Service by hand: deploy again',
            'kn-lambda deploy --force',
          ),
      ),
  },
  {
    name: 'readable-annotations',
    needs: 'Services of functions',
    look: ({ functions }) =>
      noneOf(
        functions?.filter((one) => readBuild(one) === undefined),
        'every Service says which build it is',
        (odd) =>
          failed(
            `nobody knows which build made: ${some(odd.map(({ metadata }) => metadata.name))}`,
            'Its annotations were changed by hand: deploy again',
            'kn-lambda deploy --force',
          ),
      ),
  },
  {
    name: 'old-deliveries',
    needs: 'Services of functions',
    look: ({ functions }) =>
      noneOf(
        functions?.filter((one) => deliveryOf(one) === undefined),
        'every function is called through the door',
        (old) =>
          warning(
            `called past the door, by a Trigger of an older installation: ${some(old.map(nameOf))}`,
            'Deploy them again, which builds them anew',
            'kn-lambda deploy --force',
          ),
      ),
  },
  {
    name: 'lost-triggers',
    needs: 'Triggers and Services of functions',
    look: ({ functions, triggers }) =>
      noneOf(
        functions &&
          triggers?.filter(
            ({ metadata }) =>
              metadata.name.startsWith('fn-') && !functions.some((one) => one.metadata.name === metadata.name),
          ),
        'every Trigger of a function has its function',
        (lost) =>
          warning(
            `without a function: ${some(lost.map(({ metadata }) => metadata.name))}`,
            'sweep deletes them a quarter of an hour after their function: see its log',
            'kubectl get triggers',
          ),
      ),
  },
];
