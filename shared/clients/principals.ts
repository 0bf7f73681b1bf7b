/**
 * Who may say what: a token leads to a principal, and a principal speaks for its tenants. Operators write them into
 * ConfigMap knative-lambda-principals, as YAML.
 */
import { parse } from 'yaml';
import * as z from 'zod';
import { idSchema } from '#shared/events/identity.ts';
import { type Problem, problemsOf } from '#shared/events/problem.ts';

/** The ConfigMap, and its key. */
export const PRINCIPALS = 'knative-lambda-principals';
export const PRINCIPALS_KEY = 'principals.yaml';

/** Whom a token must be for, where an issuer's own entry says nothing else. */
export const AUDIENCE = 'knative-lambda';

/** A ServiceAccount of this cluster. */
const accountSchema = z.strictObject({
  service_account: z
    .string()
    .regex(/^[a-z0-9]([a-z0-9-]*[a-z0-9])?\/[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/, 'must be namespace/name'),
});

/** Claims that a token of an issuer must have, each with this very value. */
const claimsSchema = z.strictObject({
  issuer: z.url(),
  claims: z
    .record(z.string().min(1), z.string().min(1))
    .refine((claims) => Object.keys(claims).length > 0, 'must name at least one claim, such as sub'),
});

const principalSchema = z.strictObject({
  name: z.string().regex(/^[A-Za-z0-9._-]{1,100}$/, 'must be 1–100 of A–Z, a–z, 0–9, ".", "_" and "-"'),
  tokens: z.array(z.union([accountSchema, claimsSchema])).min(1),
  /** Tenants that it speaks for. */
  third_party_ids: z.array(idSchema).default([]),
  /** Where its sources may lie. Not given: where SOURCE_PREFIX says. */
  source_prefixes: z
    .array(z.string().regex(/^[^/].*\/$/, 'must be relative and end in "/"'))
    .min(1)
    .optional(),
  /** In each pod of the gateway. */
  events_per_minute: z.int().positive().max(1_000_000).default(600),
  /** Speaks for every tenant, and may replay and purge dead letters. */
  operator: z.boolean().default(false),
  blocked: z.boolean().default(false),
});

const issuerSchema = z.strictObject({
  issuer: z.url(),
  audience: z.string().min(1).default(AUDIENCE),
  /** Not given: as the issuer's OpenID configuration says. */
  jwks_uri: z.url().optional(),
});

const principalsSchema = z
  .strictObject({
    issuers: z
      .array(issuerSchema)
      .nullish()
      .transform((list) => list ?? []),
    principals: z
      .array(principalSchema)
      .nullish()
      .transform((list) => list ?? []),
  })
  .superRefine(({ issuers, principals }, context) => {
    const known = new Set(issuers.map(({ issuer }) => issuer));
    const names = new Set<string>();
    const tokens = new Set<string>();
    for (const [index, { name, tokens: own }] of principals.entries()) {
      const wrong = (path: string, message: string) =>
        context.addIssue({ code: 'custom', path: ['principals', index, path], message });
      if (names.has(name)) {
        wrong('name', `"${name}" is there twice`);
      }
      names.add(name);
      for (const token of own) {
        const text = JSON.stringify(token);
        if (tokens.has(text)) {
          wrong('tokens', `${text} is there twice: a token must lead to one principal`);
        }
        tokens.add(text);
        if ('issuer' in token && !known.has(token.issuer)) {
          wrong('tokens', `"${token.issuer}" is none of the issuers: add it to issuers`);
        }
      }
    }
  });

export type Principals = z.infer<typeof principalsSchema>;
export type Principal = Principals['principals'][number];
export type Issuer = z.infer<typeof issuerSchema>;

/** Where authentication is off, whoever sends no token is this. */
export const ANYBODY: Principal = {
  name: 'anybody',
  tokens: [],
  third_party_ids: [],
  events_per_minute: 1_000_000,
  operator: true,
  blocked: false,
};

/** An empty text is nobody. */
export function parsePrincipals(text: string): { principals: Principals } | { problems: Problem[] } {
  let given: unknown;
  try {
    given = parse(text) ?? {};
  } catch (error) {
    return { problems: [{ path: '', message: `is no YAML: ${error instanceof Error ? error.message : error}` }] };
  }
  const parsed = principalsSchema.safeParse(given);
  return parsed.success ? { principals: parsed.data } : { problems: problemsOf(parsed.error, 'principals.yaml') };
}

export interface TokenClaims {
  iss?: string | undefined;
  sub?: string | undefined;
  [claim: string]: unknown;
}

export function principalOf(
  { principals }: Principals,
  { claims, isOfCluster }: { claims: TokenClaims; isOfCluster: boolean },
): Principal | undefined {
  return principals.find(({ tokens }) =>
    tokens.some((token) =>
      'service_account' in token
        ? isOfCluster && claims.sub === `system:serviceaccount:${token.service_account.replace('/', ':')}`
        : !isOfCluster &&
          claims.iss === token.issuer &&
          Object.entries(token.claims).every(([name, value]) => holds(claims[name], value)),
    ),
  );
}

/** A list, such as groups, holds each of its values. */
function holds(claim: unknown, value: string): boolean {
  return Array.isArray(claim) ? claim.includes(value) : claim === value;
}
