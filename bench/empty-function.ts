/** The baseline of a cold start: what faas-js-runtime costs where the function does nothing. */
import faas from 'faas-js-runtime';

const options = { port: process.env['PORT'], logLevel: 'warn' };
await faas.start(() => ({ statusCode: 202, headers: {}, body: '' }), options as never);
