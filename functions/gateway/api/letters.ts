/** Dead letters, newest day first. A tenant sees those of its own functions' events. */
import pLimit from 'p-limit';
import * as z from 'zod';
import type { ApiDependencies } from '#functions/gateway/dependencies.ts';
import { crashSchema, type Letter, letterSchema } from '#shared/api/schemas.ts';
import type { Principal } from '#shared/clients/principals.ts';
import { attributeOf, type DeadLetter } from '#shared/dead-letters/letter.ts';
import { createLetterBox, type LetterBox } from '#shared/dead-letters/letter-box.ts';
import { isOpen, type LetterPlace, linkTo } from '#shared/dead-letters/place.ts';
import { optional } from './function-view.ts';
import { operation } from './operation.ts';
import { type Page, pageOf, pageQuery, placeOf } from './paging.ts';
import { noSuchResource } from './problems.ts';
import { maySee } from './serve.ts';

type Deps = Pick<ApiDependencies, 'store' | 'temporaryBucket'>;
type Wanted = Partial<
  Record<'third_party_id' | 'parser_id' | 'category' | 'type' | 'reason' | 'state', string | undefined>
>;

const AT_ONCE = 8;
/** Letters that are read for one page. */
const MOST_READ = 1000;
const LONGEST_SHOWN = 64 * 1024;

export const listLetters = operation({
  method: 'GET',
  path: '/dead-letters',
  says: 'Events that were refused or could not be delivered, newest day first.',
  query: z.object({
    ...pageQuery,
    third_party_id: z.string().optional(),
    parser_id: z.string().optional(),
    category: z.enum(['permanent', 'transient']).optional(),
    type: z.string().optional(),
    reason: z.string().optional(),
    state: z.enum(['open', 'replayed']).optional(),
  }),
  answers: { page: letterSchema },
  handle: async ({ principal, query }, deps): Promise<Page<Letter>> => {
    const { limit, cursor: _, ...wanted } = query;
    const found = await find(deps, principal, wanted, limit, placeOf(query));
    const page = pageOf(found, limit, ({ place }) => linkTo(place));
    return { ...page, items: page.items.map(({ letter }) => letter) };
  },
});

export const getLetter = operation({
  method: 'GET',
  path: '/dead-letters/{id}',
  says: 'One dead letter.',
  answers: { one: letterSchema },
  handle: async ({ principal, params }, deps) => {
    const found = await findLetter(deps, params['id'] ?? '');
    if (!found || !maySee(principal, found.view.third_party_id)) {
      throw noSuchResource();
    }
    // The event itself, unless it is so long that nobody reads it here.
    const { event } = found.letter;
    return JSON.stringify(event).length <= LONGEST_SHOWN ? { ...found.view, event } : found.view;
  },
});

/** The newest ones. Without a principal all that are wanted: then the caller has asked who asks. */
export async function lettersOf(
  deps: Deps,
  principal: Principal | undefined,
  wanted: Wanted,
  limit: number,
): Promise<Letter[]> {
  const found = (await find(deps, principal, wanted, limit)).slice(0, limit).map(({ letter }) => letter);
  return found.sort((a, b) => Date.parse(b.time) - Date.parse(a.time));
}

/** One more than `limit`, where there are more. */
async function find(
  deps: Deps,
  principal: Principal | undefined,
  { state, ...wanted }: Wanted,
  limit: number,
  after?: string,
): Promise<{ place: LetterPlace; letter: Letter }[]> {
  const box = boxOf(deps);
  const places = (await placesOf(box)).filter(
    (place) =>
      (after === undefined || linkTo(place) < after) &&
      (state === undefined || state === (isOpen(place) ? 'open' : 'replayed')),
  );
  const found: { place: LetterPlace; letter: Letter }[] = [];
  const read = pLimit(AT_ONCE);
  let looked = 0;
  while (found.length <= limit && looked < Math.min(places.length, MOST_READ)) {
    const next = places.slice(looked, looked + limit + 1);
    looked += next.length;
    const letters = await Promise.all(
      next.map((place) => read(async () => ({ place, letter: await box.read(place) }))),
    );
    for (const { place, letter } of letters) {
      const view = letter && letterView(place, letter);
      if (view && (!principal || maySee(principal, view.third_party_id)) && isWanted(view, wanted)) {
        found.push({ place, letter: view });
      }
    }
  }
  return found.slice(0, limit + 1);
}

export async function findLetter(deps: Deps, id: string): Promise<{ letter: DeadLetter; view: Letter } | undefined> {
  const box = boxOf(deps);
  const place = (await placesOf(box)).find((one) => one.id === id);
  const letter = place && (await box.read(place));
  return letter && { letter, view: letterView(place, letter) };
}

function boxOf({ store, temporaryBucket }: Deps): LetterBox {
  return createLetterBox(store, temporaryBucket);
}

async function placesOf(box: LetterBox): Promise<LetterPlace[]> {
  const places: LetterPlace[] = [];
  for await (const place of box.places()) {
    places.push(place);
  }
  return places.sort((a, b) => (linkTo(a) < linkTo(b) ? 1 : -1));
}

function letterView(place: LetterPlace, letter: DeadLetter): Letter {
  const [third_party_id, parser_id, more] = letter.subject?.split('/') ?? [];
  const isOfFunction = third_party_id && parser_id && more === undefined;
  return {
    id: place.id,
    time: letter.last_at || `${place.date}T00:00:00Z`,
    type: attributeOf(letter, 'type'),
    ...optional('event_id', attributeOf(letter, 'id')),
    category: letter.category,
    reason: letter.reason,
    ...(isOfFunction ? { third_party_id, parser_id } : {}),
    state: isOpen(place) ? 'open' : 'replayed',
    ...optional('advice', letter.message ?? refusalText(letter)),
    ...optional('crash', crashSchema.safeParse(letter.crash).data),
  };
}

/** Of an event that was refused: what is wrong with it. */
function refusalText({ problems = [] }: DeadLetter): string | undefined {
  const told = (problems as { path?: unknown; message?: unknown }[]).map(({ path, message }) => `${path} ${message}`);
  return told.length === 0 ? undefined : told.join('; ');
}

function isWanted(letter: Letter, wanted: Partial<Record<keyof Letter, string | undefined>>): boolean {
  return (['third_party_id', 'parser_id', 'category', 'type', 'reason'] as const).every(
    (name) => wanted[name] === undefined || letter[name] === wanted[name],
  );
}
