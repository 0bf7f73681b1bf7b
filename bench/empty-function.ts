import faas from 'faas-js-runtime';
await faas.start(() => ({ statusCode: 202, headers: {}, body: '' }), { port: process.env['PORT'], logLevel: 'warn' } as never);
