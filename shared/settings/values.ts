/** Kinds of values that a setting may have. Messages leave the value itself out, because it may be a secret. */
import * as z from 'zod';

export const text = z.string().min(1);
export const url = z.url({ protocol: /^https?$/, error: 'must be an http:// or https:// URL' });
export const port = z.coerce.number().int().min(0).max(65_535);

/** A whole number above zero, with its default. */
export const count = (initial: number) => z.coerce.number().int().positive().default(initial);

/** Separated by commas. */
export const list = z.string().transform((items) =>
  items
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== ''),
);

/** An amount of CPU or memory as Kubernetes writes it, with its default. */
export const quantity = (initial: string) =>
  z
    .string()
    .regex(/^\d+(\.\d+)?(m|k|Ki|M|Mi|G|Gi|T|Ti)?$/, 'must be a Kubernetes quantity such as "500m" or "4Gi"')
    .default(initial);

/** A Go duration in whole seconds or minutes. */
export const duration = z.string().regex(/^\d+(s|m)$/, 'must be a duration such as "120s" or "5m"');

/** Registry and the path under which one repository a function is made. */
export const repositoryPrefix = z
  .string()
  .regex(/^[a-z0-9][a-z0-9.-]*(:\d+)?(\/[a-z0-9._-]+)*$/, 'must be host[:port][/path], in lower case, without scheme');

/** RabbitMQ's HTTP API; AMQP's own port is a setting of its own. */
export const managementUrl = z
  .string()
  .regex(
    /^https?:\/\/[^/]+$/,
    "must be RabbitMQ's management address, http(s)://host:15672, without a path; AMQP's port is RABBITMQ_PORT",
  );

const CIDR = /^(\d{1,3}(\.\d{1,3}){3}\/\d{1,2}|[0-9a-fA-F:]+\/\d{1,3})$/;

/** Ranges of addresses, separated by commas. */
export const ranges = list.superRefine((items, context) => {
  for (const item of items.filter((range) => !CIDR.test(range))) {
    context.addIssue({ code: 'custom', message: `must be a list of ranges: ${item} is no range such as 10.0.0.0/8` });
  }
});

const NAMESPACE_NAME = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;

/** Names of namespaces, separated by commas. */
export const namespaces = list.superRefine((items, context) => {
  for (const item of items.filter((name) => !NAMESPACE_NAME.test(name))) {
    context.addIssue({ code: 'custom', message: `must be a list of namespaces: ${item} is no name of one` });
  }
});

/** Ranges or namespaces, each with a port: `10.1.2.0/24:5432`, `[fd00::/8]:5432`, `payments:8080`. */
export const targets = list.transform((items, context) =>
  items.flatMap((item) => {
    const [, v6, name = '', port] = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(item) ?? [];
    const cidr = v6 ?? (name.includes('/') ? name : undefined);
    const isRight = cidr === undefined ? NAMESPACE_NAME.test(name) : CIDR.test(cidr);
    if (!isRight || Number(port) > 65_535 || Number(port) < 1) {
      const message = `must be a list of targets: ${item} is none such as 10.1.2.0/24:5432 or payments:8080`;
      context.addIssue({ code: 'custom', message });
      return [];
    }
    return [{ ...(cidr === undefined ? { namespace: name } : { cidr }), port: Number(port) }];
  }),
);

/** Of the source in its bucket, for example `{third_party_id}/{parser_id}/`. */
export const sourcePrefix = z
  .string()
  .regex(
    /^(?!\/)(?!.*\/\/)(?!.*(^|\/)\.\.?\/)([A-Za-z0-9._/-]|\{third_party_id\}|\{parser_id\})*\{parser_id\}([A-Za-z0-9._/-]|\{third_party_id\})*\/$/,
    'must be a relative path that ends in "/", with {parser_id} and, where tenants do not trust each other, {third_party_id} in it',
  );

/** A key for signatures; 43 characters of base64 are 32 bytes. */
export const eventKey = z
  .string()
  .regex(/^[A-Za-z0-9_-]{1,32}:[A-Za-z0-9+/]{43,}={0,2}$/, 'must be id:base64 of at least 32 bytes');
