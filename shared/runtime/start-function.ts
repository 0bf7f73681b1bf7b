/**
 * Starts a function on faas-js-runtime. gate.ts reads requests before the runtime does; metrics have a port of their
 * own.
 */
import type { AddressInfo } from 'node:net';
import type { DestinationStream, Logger } from 'pino';
import type * as z from 'zod';
import { SECOND } from '#shared/durations.ts';
import { RetryableError } from '#shared/events/errors.ts';
import { ConfigError, type Environment, parseConfig, type RuntimeConfig } from '#shared/settings/parse-config.ts';
import { createLog } from '#shared/telemetry/log.ts';
import { eventMetrics, registry } from '#shared/telemetry/metrics.ts';
import { type Tracing, untraced } from '#shared/telemetry/traces.ts';
import { within } from '#shared/within.ts';
import { afterFirstAnswer } from './after-first-answer.ts';
import { answerRequest } from './answer-request.ts';
import { answerRoute } from './answer-route.ts';
import type { Authenticating } from './authenticate.ts';
import { gatedRequest, installGate } from './gate.ts';
import { InFlight } from './in-flight.ts';
import { lazy } from './lazy.ts';
import { isLoopback } from './listen-address.ts';
import { type MetricsServer, serveMetrics } from './metrics-server.ts';
import { problemAnswer } from './problem-answer.ts';
import type { Answer } from './request.ts';
import { routeFinder, routeName } from './routes.ts';
import { type ListenAddress, serve } from './serve.ts';
import { signingKeys } from './signing.ts';
import type { AcceptedEvent, EventSchemas, FunctionDefinition } from './types.ts';

const MIB = 1024 * 1024;

/** The documented limit of an event's data. */
const EVENT_BYTES = MIB;
/** For functions that take every type: an event.rejected contains a whole event, in base64 if it was unreadable. */
const ANY_EVENT_BYTES = 4 * MIB;

/**
 * Kubernetes kills a pod 30 s after SIGTERM, if the pod asks for no more. Requests get 25 s of it to end; the rest is
 * for sending telemetry.
 */
const DRAIN_SECONDS = 25;
const FLUSH_MS = 2 * SECOND;
const CLOSE_MS = 2 * SECOND;

export interface RunningFunction {
  port: number;
  /** Undefined if the port was taken. */
  metricsPort: number | undefined;
  log: Logger;
  /** Turns readiness to 503, waits for events in flight, sends telemetry and closes the port. */
  close(): Promise<void>;
}

/** Rejects with ConfigError if the environment lacks something that the function needs. */
export async function startFunction<Config extends z.ZodType, const Schemas extends EventSchemas, Deps>(
  definition: FunctionDefinition<Config, Schemas, Deps>,
  environment: Environment,
  logDestination?: DestinationStream,
): Promise<RunningFunction> {
  const { name, events, wakes = [], routes = [], drainSeconds = DRAIN_SECONDS } = definition;
  const { runtime, own } = parseConfig(definition.config, environment);
  const log = createLog({ function: name }, runtime.LOG_LEVEL, logDestination);
  const metrics = eventMetrics(name, [...Object.keys(events), ...wakes, ...routes.map(routeName)]);
  const limit = '*' in events ? ANY_EVENT_BYTES : EVENT_BYTES;
  const inFlight = new InFlight();
  const drain = new AbortController();

  const made = lazy(() => definition.dependencies(own));
  const dependencies = async () =>
    await made().catch((cause: unknown) => {
      throw new RetryableError('DependenciesUnavailable', `${name} could not connect to what it needs`, { cause });
    });
  const tracing = lazy(() => startTracing(name, runtime, log));
  const answer = answerRequest({
    name,
    events,
    wakes,
    limit,
    answers: definition.answers ?? 'the Broker',
    authentication: authenticating(definition, runtime),
    tracing,
    metrics,
    log,
    handle: async (event, context) => {
      return await definition.handle(event as AcceptedEvent<Schemas>, await dependencies(), context);
    },
  });

  const server = await serve(
    name,
    { host: runtime.HOST, port: runtime.PORT },
    {
      isReady: () => !drain.signal.aborted,
      handle: (headers) => inFlight.track(() => guarded(log, answer, headers)),
    },
  );
  const find = routeFinder(routes);
  const answerRead = answerRoute({ tracing, metrics, log, dependencies, draining: drain.signal });
  installGate(server, {
    limit,
    draining: () => drain.signal.aborted,
    loopback: isLoopback(runtime.HOST),
    route: (method, path) => {
      const matched = find(method, path);
      return matched && ((read, response) => void inFlight.track(() => answerRead(matched, read, response)));
    },
  });
  const port = (server.address() as AddressInfo).port;
  const uptime = process.uptime();
  metrics.listening(uptime);

  // Loading clients blocks the process. The readiness probe is answered first, since it decides when events come.
  afterFirstAnswer(server, () => {
    made().catch((error: unknown) =>
      log.error({ err: error }, 'dependencies failed; trying again with the next event'),
    );
    void tracing();
  });
  const metricsServer = await startMetrics({ host: runtime.HOST, port: runtime.METRICS_PORT }, log);
  log.info({ port, metrics_port: metricsServer?.port, cold_start_seconds: uptime }, 'listening');

  return {
    port,
    metricsPort: metricsServer?.port,
    log,
    close: async () => {
      drain.abort();
      log.info({ in_flight: inFlight.count }, 'draining');
      if (!(await inFlight.idle(drainSeconds * SECOND))) {
        log.error(
          { in_flight: inFlight.count },
          'still working when the time to drain was over; the broker sends these events again',
        );
      }
      await within(CLOSE_MS, closing(definition, made, log), undefined);
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeIdleConnections();
      await Promise.race([closed, new Promise((resolve) => setTimeout(resolve, SECOND))]);
      server.closeAllConnections();
      metricsServer?.close();
      await (await tracing()).shutdown(FLUSH_MS);
      log.info('stopped');
    },
  };
}

/** Never rejects: a process that ends has nobody to tell it but its log. */
async function closing<Deps>(
  { close }: Pick<FunctionDefinition<z.ZodType, EventSchemas, Deps>, 'close'>,
  made: () => Promise<Deps>,
  log: Logger,
): Promise<void> {
  try {
    await close?.(await made());
  } catch (error) {
    log.error({ err: error }, 'what was put off could not be done at the end');
  }
}

function authenticating(
  { unsigned = [] }: Pick<FunctionDefinition<z.ZodType, EventSchemas, unknown>, 'unsigned'>,
  runtime: RuntimeConfig,
): Authenticating {
  const mode = runtime.AUTHENTICATION;
  const keys = signingKeys(runtime);
  if (mode !== 'off' && !keys) {
    throw new ConfigError([`EVENT_KEY: is not set, and AUTHENTICATION is ${mode}; set AUTHENTICATION to off`]);
  }
  return { mode, keys, unsigned, maxHops: runtime.MAX_HOPS };
}

/** Catches every error: the runtime would take an error's `code` for a status and send its message. */
async function guarded(log: Logger, answer: ReturnType<typeof answerRequest>, headers: object): Promise<Answer> {
  const request = gatedRequest(headers);
  if (!request) {
    return problemAnswer({ status: 503, reason: 'Starting', detail: 'The function is not ready yet: try again.' });
  }
  try {
    return await answer(request);
  } catch (error) {
    log.error({ err: error }, 'the request could not be answered');
    return problemAnswer({ status: 500, reason: 'InternalError', detail: 'The function failed; its log says why.' });
  }
}

async function startTracing(name: string, runtime: RuntimeConfig, log: Logger): Promise<Tracing> {
  const endpoint = runtime.OTEL_EXPORTER_OTLP_ENDPOINT;
  if (!endpoint) {
    return untraced;
  }
  try {
    const { otlpTracing } = await import('#shared/telemetry/otlp-traces.ts');
    const resource = {
      'service.name': runtime.K_SERVICE ?? name,
      'service.namespace': 'knative-lambda',
      'faas.name': name,
      ...(runtime.K_REVISION ? { 'faas.version': runtime.K_REVISION } : {}),
      ...(runtime.HOSTNAME ? { 'k8s.pod.name': runtime.HOSTNAME } : {}),
    };
    return otlpTracing(endpoint, resource, (message) => log.warn(message));
  } catch (error) {
    log.error({ err: error }, 'tracing could not be started; working without it');
    return untraced;
  }
}

/** If the port is taken, the function runs without metrics: on a laptop many functions run side by side. */
async function startMetrics(address: ListenAddress, log: Logger): Promise<MetricsServer | undefined> {
  try {
    return await serveMetrics(registry, address);
  } catch (error) {
    log.warn({ err: error, port: address.port }, 'no metrics are served: set METRICS_PORT to a free port, or to 0');
    return undefined;
  }
}
