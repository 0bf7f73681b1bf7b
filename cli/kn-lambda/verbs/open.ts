import { spawn } from 'node:child_process';
import type { Command } from 'commander';
import { connectable, portNumber } from '#cli/kn-lambda/options.ts';
import { startPageProxy } from '#cli/kn-lambda/page-proxy.ts';
import { type CommonOptions, openSession, type Runtime } from '#cli/kn-lambda/session.ts';

interface Options extends CommonOptions {
  print?: boolean;
  port?: number;
}

export function addOpen(program: Command, runtime: Runtime): void {
  const command = program
    .command('open')
    .description('the page, in the browser; with a token by an address of this machine, until Ctrl-C')
    .option('--port <number>', 'of this machine, where a token is needed. Default: any free one', portNumber)
    .option('--print', 'only say its address');
  connectable(command).action(async (options: Options) => {
    const { terminal, signal } = runtime;
    const session = await openSession(options, runtime);
    // What does not answer is told here, in words, and not by the browser.
    await session.me();
    const { server, token, headers } = session.connection;
    const given = await token();
    if (given === undefined || options.print) {
      terminal.say(`${server}/`);
      launch(options.print ? undefined : `${server}/`, runtime);
      return;
    }
    const proxy = await startPageProxy({ server, token: given, port: options.port ?? 0, headers }, signal);
    terminal.say(proxy.url);
    terminal.note('The page is here until Ctrl-C: whoever can use this machine sees it with your rights.');
    launch(proxy.url, runtime);
    await proxy.ended;
  });
}

/** Where nobody sits at a desktop, the address on the screen is enough. */
function launch(url: string | undefined, { terminal }: Runtime): void {
  const isDesktop = process.platform !== 'linux' || process.env['DISPLAY'] || process.env['WAYLAND_DISPLAY'];
  if (url === undefined || !terminal.isInteractive || !isDesktop) {
    return;
  }
  const [program = '', ...args] =
    process.platform === 'darwin' ? ['open'] : process.platform === 'win32' ? ['cmd', '/c', 'start', ''] : ['xdg-open'];
  const child = spawn(program, [...args, url], { stdio: 'ignore', detached: true });
  child.on('error', () => terminal.note('There is no browser to open it with: open the address yourself.'));
  child.unref();
}
