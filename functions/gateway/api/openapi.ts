/** The API's description, made of the table of its operations and the schemas that check them. */
import * as z from 'zod';
import * as schemas from '#shared/api/schemas.ts';
import type { Operation } from './operation.ts';

const ROOT = '/api/v1';

const NAMED: Record<string, z.ZodType> = {
  Problem: schemas.problemDocumentSchema,
  Me: schemas.meSchema,
  Function: schemas.functionSchema,
  FunctionDetail: schemas.functionDetailSchema,
  FunctionMetrics: schemas.functionMetricsSchema,
  Version: schemas.versionSchema,
  Build: schemas.buildSchema,
  BuildDetail: schemas.buildDetailSchema,
  TimelineEntry: schemas.timelineEntrySchema,
  Explanation: schemas.explanationSchema,
  Call: schemas.callSchema,
  Letter: schemas.letterSchema,
  LogLine: schemas.logLineSchema,
  EventLine: schemas.eventLineSchema,
  Doctor: schemas.doctorSchema,
  UploadRequest: schemas.uploadRequestSchema,
  UploadPlan: schemas.uploadPlanSchema,
  UploadDone: schemas.uploadDoneSchema,
};

type Json = Record<string, unknown>;

export function openApi(operations: readonly Operation[], version: string): Json {
  const paths: Record<string, Json> = {};
  for (const one of operations) {
    const path = ROOT + one.path;
    paths[path] = { ...paths[path], [one.method.toLowerCase()]: described(one) };
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Knative Lambda',
      version,
      description: 'Reads what there is, and hands out addresses for uploads. Everything else is an event: POST /.',
    },
    servers: [{ url: '/' }],
    security: [{ bearer: [] }, {}],
    paths,
    components: {
      securitySchemes: { bearer: { type: 'http', scheme: 'bearer' } },
      schemas: components(),
    },
  };
}

function described({ path, says, query, body, answers }: Operation): Json {
  return {
    summary: says,
    operationId: path.replace(/^\//, '').replace(/[{}]/g, '').replaceAll('/', '-'),
    parameters: [...pathParameters(path), ...queryParameters(query)],
    ...(body ? { requestBody: { required: true, content: jsonOf(reference(body)) } } : {}),
    responses: {
      '200': { description: says, content: contentOf(answers) },
      ...('lines' in answers ? {} : { '304': { description: 'You have this already (If-None-Match).' } }),
      default: {
        description: 'What was wrong, and what to do next.',
        content: { 'application/problem+json': { schema: reference(schemas.problemDocumentSchema) } },
      },
    },
  };
}

function contentOf(answers: Operation['answers']): Json {
  if ('one' in answers) {
    return jsonOf(reference(answers.one));
  }
  if ('page' in answers) {
    const properties = { items: { type: 'array', items: reference(answers.page) }, next_cursor: { type: 'string' } };
    return jsonOf({ type: 'object', properties, required: ['items'] });
  }
  return {
    'application/x-ndjson': { schema: reference(answers.lines) },
    'text/event-stream': { schema: { type: 'string' } },
  };
}

function jsonOf(schema: Json): Json {
  return { 'application/json': { schema } };
}

function reference(schema: z.ZodType): Json {
  const name = Object.keys(NAMED).find((known) => NAMED[known] === schema);
  return name ? { $ref: `#/components/schemas/${name}` } : plain(schema);
}

function pathParameters(path: string): Json[] {
  return [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
    name,
    in: 'path',
    required: true,
    schema:
      name?.endsWith('_id') && name !== 'correlation_id'
        ? { type: 'string', pattern: '^[A-Za-z0-9_-]{1,100}$' }
        : { type: 'string' },
  }));
}

function queryParameters(query: z.ZodType | undefined): Json[] {
  if (!query) {
    return [];
  }
  const { properties = {} } = z.toJSONSchema(query, { unrepresentable: 'any', io: 'input' }) as { properties?: Json };
  return Object.entries(properties).map(([name, schema]) => ({ name, in: 'query', required: false, schema }));
}

function components(): Json {
  const registry = z.registry<{ id: string }>();
  for (const [id, schema] of Object.entries(NAMED)) {
    registry.add(schema, { id });
  }
  const made = z.toJSONSchema(registry, {
    unrepresentable: 'any',
    uri: (id) => `#/components/schemas/${id}`,
  }).schemas as Record<string, Json>;
  return Object.fromEntries(Object.entries(made).map(([name, schema]) => [name, withoutId(schema)]));
}

function plain(schema: z.ZodType): Json {
  return withoutId(z.toJSONSchema(schema, { unrepresentable: 'any' }) as Json);
}

function withoutId({ $id: _, $schema: __, ...schema }: Json): Json {
  return schema;
}
