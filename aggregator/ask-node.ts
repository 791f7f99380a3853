import type { Json } from '../shared/canonical.ts';
import { CommandError } from './commands.ts';
import type { FleetNode } from './fleet-node.ts';
import { Refusal } from './identity/credentials.ts';
import type { Sessions } from './sessions.ts';
import type { Store } from './store/store.ts';

/** What a connected node answers, to whichever aggregator it is connected. Throws `Refusal`, `CommandError`. */
export async function askNode(
  { sessions, store }: { readonly sessions: Sessions; readonly store: Store },
  { uid, name }: Pick<FleetNode, 'uid' | 'name'>,
  verb: string,
  args: Json,
  withinMs: number,
): Promise<readonly Json[]> {
  const session = sessions.of(uid);
  if (session !== undefined) return await session.commands.ask(verb, args, withinMs);
  const answer = await store.peers?.ask({ uid, verb, arguments: args, withinMs });
  if (answer === undefined)
    throw new Refusal(409, 'notConnected', `node ${name}: not connected now`);
  if (!answer.ok) throw CommandError.from(answer.code, answer.message);
  return answer.parts;
}
