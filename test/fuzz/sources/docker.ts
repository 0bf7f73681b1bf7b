/** Sources with a Dockerfile of their own. */
import type { Random } from './random.ts';
import { emptySource, type Source } from './source.ts';

const SERVER = `import http from 'node:http';
const reply = { context_id: null, succeeded: true, result: { ok: 1 }, duration_ms: 1 };
http.createServer((request, response) => {
  request.resume().on('end', () => {
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(reply.result));
  });
}).listen(process.env.PORT || 8080);
`;

interface Case {
  name: string;
  weight?: number;
  text: string;
  fault?: Source['faults'][number];
  loose?: boolean;
  files?: Record<string, string>;
}

const START = 'FROM node:24-slim\nWORKDIR /app\n';
const END = 'USER 65532:65532\nCMD ["node", "server.mjs"]\n';
const cases: Case[] = [
  { name: 'a server', weight: 5, text: `${START}COPY . .\n${END}` },
  {
    name: 'two stages',
    weight: 2,
    text: `FROM node:24-slim AS build\nWORKDIR /app\nCOPY . .\nRUN cp server.mjs built.mjs\nFROM node:24-slim\nWORKDIR /app\nCOPY --from=build /app/built.mjs server.mjs\n${END}`,
  },
  {
    name: 'an argument before FROM',
    text: `ARG BASE=node:24-slim\nFROM $BASE\nWORKDIR /app\nCOPY server.mjs ./\n${END}`,
  },
  { name: 'lower case', text: 'from node:24-slim\nworkdir /app\ncopy . .\nuser 65532\ncmd ["node", "server.mjs"]\n' },
  { name: 'CRLF', text: `${START}COPY . .\n${END}`.replaceAll('\n', '\r\n') },
  {
    name: 'a file that is not there',
    text: `${START}COPY rows.csv ./\n${END}`,
    fault: { when: 'build', says: /rows\.csv/ },
  },
  {
    name: 'a step that fails',
    text: `${START}RUN echo libvips is missing && exit 7\n${END}`,
    fault: { when: 'build', says: /libvips is missing/ },
  },
  {
    name: 'a command that is nowhere',
    text: `${START}RUN no-such-command-here\n${END}`,
    fault: { when: 'build', says: /no-such-command-here/ },
  },
  { name: 'an instruction that is none', text: `${START}COPPY . .\n${END}`, fault: { when: 'before', says: /COPPY/i } },
  {
    name: 'a here-document',
    text: `${START}RUN <<EOF\necho 1\nEOF\nCOPY . .\n${END}`,
    fault: { when: 'build', says: /here|<<|EOF/i },
    loose: true,
  },
  {
    name: 'a here-document that never ends',
    text: `${START}RUN <<EOF\necho 1\n${END}`,
    fault: { when: 'before', says: /<<EOF/ },
  },
  { name: 'no FROM', text: 'RUN echo 1\n', fault: { when: 'before', says: /FROM/ } },
  { name: 'nothing', text: '', fault: { when: 'before', says: /FROM/ } },
  { name: 'comments', text: '# syntax=docker/dockerfile:1\n# FROM node\n', fault: { when: 'before', says: /FROM/ } },
  {
    name: 'a stage that is nowhere',
    text: `${START}COPY --from=nowhere /a /b\n${END}`,
    fault: { when: 'build', says: /nowhere/ },
  },
  { name: 'no command', text: `${START}COPY . .\nUSER 65532\n`, loose: true },
  { name: 'no user', text: `${START}COPY . .\nCMD ["node", "server.mjs"]\n`, fault: { when: 'before', says: /USER/ } },
  {
    name: 'a program that is nowhere',
    text: `${START}COPY . .\nUSER 65532\nCMD ["no-such-program-here"]\n`,
    fault: { when: 'start', says: /no-such-program-here/ },
  },
  {
    name: 'ends at once',
    text: `${START}USER 65532\nCMD ["node", "-e", "console.error('rows are missing'); process.exit(3)"]\n`,
    fault: { when: 'start', says: /rows are missing/ },
  },
  { name: 'an ignore file', text: `${START}COPY . .\n${END}`, files: { '.dockerignore': '*\n!server.mjs\n' } },
  {
    name: 'an ignore file that ignores all',
    text: `${START}COPY server.mjs ./\n${END}`,
    files: { '.dockerignore': '*\n' },
    fault: { when: 'build', says: /server\.mjs/ },
  },
];

export function dockerSource(random: Random): Source {
  const source = emptySource('docker');
  const chosen = random.weighted(cases);
  source.parts.push(chosen.name);
  source.files = { Dockerfile: chosen.text, 'server.mjs': SERVER, ...chosen.files };
  source.loose = chosen.loose ?? false;
  if (chosen.fault) {
    source.faults.push(chosen.fault);
  }
  return source;
}
