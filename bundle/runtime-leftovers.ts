/** Leaves out of the bundle what faas-js-runtime loads and here never uses. */
import type { Plugin } from 'esbuild';

/**
 * What the runtime loads at every start for things that do not happen here: forms, raw bodies and a func.yaml (the gate and
 * our options see to that), its own metrics of the machine, and a 5 ms timer that would fail health checks under load.
 */
const LEFT_OUT: Record<string, string> = {
  'fastify-raw-body': '() => {}',
  'js-yaml': '{}',
  'node-os-utils': '{}',
  qs: '{}',
  'overload-protection': '() => (request, reply, next) => next()',
};

export const runtimeLeftovers: Plugin = {
  name: 'runtime-leftovers',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^[a-z-]+$/ }, ({ importer, path }) =>
      importer.includes('/node_modules/faas-js-runtime/') && path in LEFT_OUT
        ? { path, namespace: 'leftover' }
        : undefined,
    );
    onLoad({ filter: /./, namespace: 'leftover' }, ({ path }) => ({ contents: `module.exports = ${LEFT_OUT[path]};` }));
  },
};
