/**
 * What is wrong with an object by the schemas of its kind (schemas/, made by test/fixtures/crds/extract.ts) and by
 * schema-rules.ts. Unknown fields count as problems, as for the API server that is told to be strict. Knative's
 * webhooks are strict even where the CRD says x-kubernetes-preserve-unknown-fields, so that only counts for a node
 * without any `properties`.
 */
import { existsSync, readFileSync } from 'node:fs';
import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv';
import { METADATA, ONE_OF, RULES, WORDS } from './schema-rules.ts';

export interface FieldProblem {
  /** `spec.template.spec.containers[0].image`; empty for the object itself. */
  field: string;
  message: string;
}

// biome-ignore lint/suspicious/noExplicitAny: a schema is a tree of whatever its author wrote.
type Schema = any;

/** Kinds whose spec is part of another kind's: where that is, from the other one's spec. */
const EMBEDDED: Record<string, { kind: string; path: string[] }> = {
  'v1 Pod': { kind: 'batch/v1 Job', path: ['spec', 'template', 'spec'] },
  'serving.knative.dev/v1 Revision': { kind: 'serving.knative.dev/v1 Service', path: ['spec', 'template', 'spec'] },
};
const SPECLESS = ['Namespace', 'Lease'];
const QUANTITY = '^[+-]?(\\d+\\.?\\d*|\\.\\d+)([eE][+-]?\\d+|[numkMGTPE]|[KMGTPE]i)?$';

const ajv = new Ajv({ allErrors: true, strict: false });
const compiled = new Map<string, ValidateFunction | undefined>();

/** Undefined where there is no schema for the kind. */
export function schemaProblems(object: { apiVersion: string; kind: string }): FieldProblem[] | undefined {
  const id = `${object.apiVersion} ${object.kind}`;
  if (!compiled.has(id)) {
    compiled.set(id, compile(id));
  }
  const validate = compiled.get(id);
  validate?.(object);
  return validate && problemsOf(validate.errors ?? []);
}

function compile(id: string): ValidateFunction | undefined {
  const schema = schemaOf(id);
  if (!schema) {
    return undefined;
  }
  const [apiVersion, kind] = id.split(' ');
  const root = strict(schema);
  root.properties = {
    ...root.properties,
    apiVersion: { const: apiVersion },
    kind: { const: kind },
    metadata: METADATA,
  };
  root.required = [
    'apiVersion',
    'kind',
    'metadata',
    ...(root.properties.spec && !SPECLESS.includes(kind ?? '') ? ['spec'] : []),
  ];
  const rules = [RULES[id], { properties: { metadata: { required: ['name'] } } }].filter(Boolean);
  return ajv.compile({ ...root, type: 'object', additionalProperties: false, allOf: rules });
}

function schemaOf(id: string): Schema {
  const embedded = EMBEDDED[id];
  if (embedded) {
    const spec = embedded.path.reduce((node, key) => node.properties[key], schemaOf(embedded.kind));
    return { type: 'object', properties: { spec } };
  }
  const file = new URL(`schemas/${id.replace('/', '_').replace(' ', '_')}.json`, import.meta.url);
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')).schema : undefined;
}

function strict(schema: Schema): Schema {
  if (schema['x-kubernetes-int-or-string'] || schema.format === 'int-or-string') {
    return { type: ['integer', 'string'], ...(schema.pattern ? { pattern: schema.pattern } : {}) };
  }
  // How OpenAPI describes a quantity.
  if (schema.oneOf?.map(({ type }: Schema) => type).join() === 'string,number') {
    return { type: ['string', 'number'], pattern: QUANTITY };
  }
  const result: Schema = {};
  for (const [key, value] of Object.entries<Schema>(schema)) {
    if (key === 'properties') {
      result[key] = Object.fromEntries(
        Object.entries<Schema>(value).map(([name, child]) => [name, name === 'metadata' ? METADATA : strict(child)]),
      );
    } else if (key === 'items' || (key === 'additionalProperties' && typeof value === 'object')) {
      result[key] = strict(value);
    } else if (!key.startsWith('x-kubernetes-') && key !== 'format' && key !== 'nullable') {
      result[key] = value;
    }
  }
  if (schema.format === 'byte') {
    result.pattern = '^[A-Za-z0-9+/]*={0,2}$';
  }
  if (result.properties?.backoffPolicy) {
    // The CRDs leave it out and keep unknown fields there; the webhooks, which know it, do not.
    result.properties.timeout = { type: 'string' };
  }
  const open =
    schema['x-kubernetes-preserve-unknown-fields'] || schema.type !== 'object' || schema.additionalProperties;
  if (schema.properties || !open) {
    result.additionalProperties ??= false;
  }
  return result;
}

/** One for each field and message. The branches of an `anyOf` are left to what the `anyOf` itself says. */
function problemsOf(errors: ErrorObject[]): FieldProblem[] {
  const problems = errors
    .filter(
      ({ schemaPath, keyword }) => keyword !== 'if' && keyword !== 'propertyNames' && !/\/anyOf\/\d/.test(schemaPath),
    )
    .map(problemOf);
  return [...new Map(problems.map((problem) => [`${problem.field} ${problem.message}`, problem])).values()];
}

function problemOf({ instancePath, keyword, message = '', params, propertyName }: ErrorObject): FieldProblem {
  const at = (name?: string) => pathOf([...instancePath.split('/').slice(1), ...(name === undefined ? [] : [name])]);
  if (keyword === 'required') {
    return { field: at(params['missingProperty']), message: 'is required' };
  }
  if (keyword === 'additionalProperties') {
    return { field: at(params['additionalProperty']), message: 'is not a known field' };
  }
  if (keyword === 'anyOf') {
    return { field: at(), message: ONE_OF };
  }
  if (keyword === 'enum' || keyword === 'const') {
    return {
      field: at(),
      message: `must be ${(params['allowedValues'] ?? [params['allowedValue']]).join(', ')}`.replace(
        /, (?=[^,]*$)/,
        ' or ',
      ),
    };
  }
  return { field: at(propertyName ?? params['propertyName']), message: WORDS.get(params['pattern']) ?? message };
}

function pathOf(segments: string[]): string {
  return segments
    .map((segment) => segment.replaceAll('~1', '/').replaceAll('~0', '~'))
    .map((segment) =>
      /^\d+$/.test(segment) ? `[${segment}]` : /^[\w-]+$/.test(segment) ? `.${segment}` : `[${segment}]`,
    )
    .join('')
    .replace(/^\./, '');
}
