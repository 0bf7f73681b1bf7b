/** Leaves out of the bundle what faas-js-runtime loads at every start for things that never happen here. */
import type { Plugin } from 'esbuild';

const NO_SCHEMAS = "() => () => { throw new Error('no route of the runtime has a schema'); }";

/** What each stands for, and what stands for it. A third of a cold start would go into these. */
const LEFT_OUT: Record<string, string> = {
  // Forms, raw bodies and a func.yaml: the gate and our options see to it that there are none.
  qs: '{}',
  'fastify-raw-body': '() => {}',
  'js-yaml': '{}',
  // The runtime's own metrics of the machine, which the gate does not let out.
  'node-os-utils': '{}',
  // A 5 ms timer that fails health checks under load.
  'overload-protection': '() => (request, reply, next) => next()',
  // Validating and serialising by JSON schema.
  '@fastify/ajv-compiler': NO_SCHEMAS,
  '@fastify/fast-json-stringify-compiler': NO_SCHEMAS,
};

export const runtimeLeftovers: Plugin = {
  name: 'runtime-leftovers',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^(@fastify\/)?[a-z-]+$/ }, ({ importer, path }) =>
      path in LEFT_OUT && /\/node_modules\/(faas-js-runtime|fastify)\//.test(importer)
        ? { path, namespace: 'leftover' }
        : undefined,
    );
    onLoad({ filter: /./, namespace: 'leftover' }, ({ path }) => ({ contents: `module.exports = ${LEFT_OUT[path]};` }));
  },
};
