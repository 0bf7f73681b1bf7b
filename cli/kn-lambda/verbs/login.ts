import type { Command } from 'commander';
import { createApi } from '#cli/kn-lambda/client.ts';
import { checkedAddress } from '#cli/kn-lambda/connection.ts';
import { credentialsFile, readCredentials, writeCredentials } from '#cli/kn-lambda/credentials.ts';
import { deviceLogin } from '#cli/kn-lambda/device-login.ts';
import { wrongUse } from '#cli/kn-lambda/failure.ts';
import type { Runtime } from '#cli/kn-lambda/session.ts';
import { meSchema } from '#shared/api/schemas.ts';
import { printableCell } from '#shared/printable.ts';

interface Options {
  server?: string;
  token?: string;
  issuer?: string;
  clientId: string;
  scope: string;
  forget?: boolean;
}

const AFTER = `
The token is kept in a file that you alone may read (mode 0600), for that server alone. From then on that server is
meant where no other is named; --server laptop means the platform of make run.`;

export function addLogin(program: Command, runtime: Runtime): void {
  program
    .command('login')
    .description('keep a token for a server; by a device code where its issuer has that')
    .option('--server <url>', 'the address of the gateway; or KN_LAMBDA_SERVER')
    .option('--token <token>', 'the token; - reads it from standard input')
    .option('--issuer <url>', 'OpenID Connect issuer, for a login in the browser')
    .option('--client-id <id>', 'as which the command is known to the issuer', 'knative-lambda')
    .option('--scope <scopes>', 'what to ask the issuer for', 'openid')
    .option('--forget', 'remove what is kept for the server')
    .addHelpText('after', AFTER)
    .action(async (options: Options) => {
      const { environment, terminal, signal } = runtime;
      const credentials = readCredentials(environment);
      const server = checkedServer(options.server ?? environment['KN_LAMBDA_SERVER'] ?? credentials.current);
      if (options.forget) {
        const { [server]: _forgotten, ...servers } = credentials.servers;
        const { current, ...others } = credentials;
        const left = current === server || current === undefined ? others : { ...others, current };
        writeCredentials(environment, { ...left, servers });
        terminal.say(`Forgotten: ${server}`);
        return;
      }
      const token = await tokenFrom(options, runtime);
      const api = createApi({ server, origin: 'given', token: async () => token });
      const { principal, third_party_ids } = await api.get('/api/v1/me', meSchema, { signal });
      writeCredentials(environment, { current: server, servers: { ...credentials.servers, [server]: { token } } });
      const tenants = third_party_ids.length > 0 ? `, for ${third_party_ids.map(printableCell).join(', ')}` : '';
      terminal.say(
        `You are ${printableCell(principal)} at ${server}${tenants}. Kept in ${credentialsFile(environment)}`,
      );
    });
}

function checkedServer(server: string | undefined): string {
  if (server === undefined || server === '') {
    throw wrongUse('at which server?', 'Say it: kn-lambda login --server https://gateway.example.com');
  }
  return checkedAddress(server);
}

async function tokenFrom(options: Options, { environment, terminal, stdin, signal }: Runtime): Promise<string> {
  const given = options.token ?? environment['KN_LAMBDA_TOKEN'];
  if (given !== undefined && given !== '-') {
    return given;
  }
  if (given === '-') {
    let text = '';
    for await (const chunk of stdin) {
      text += String(chunk);
    }
    if (text.trim() === '') {
      throw wrongUse('standard input has no token', 'Pipe it in: kubectl create token … | kn-lambda login --token -');
    }
    return text.trim();
  }
  if (options.issuer === undefined) {
    throw wrongUse(
      'with which token?',
      'Give it by standard input (--token -), or name the issuer for a login in the browser: --issuer URL',
    );
  }
  const { issuer, clientId, scope } = options;
  return deviceLogin(
    { issuer, clientId, scope },
    ({ url, code }) => {
      terminal.note(`Open ${printableCell(url)} in a browser, and confirm the code ${printableCell(code)}`);
    },
    signal,
  );
}
