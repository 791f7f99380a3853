import { CLOSE } from '../shared/protocol.ts';
import { CommandError } from './commands.ts';
import type { Fleet } from './fleet.ts';
import type { Sessions } from './sessions.ts';
import type { PeerAnswer, PeerCommand, PeerListener } from './store/peers.ts';
import type { StoredNode } from './store/stored-node.ts';

/** Takes what other aggregators on the same database do into this one's fleet and sessions. */
export function peerListener(
  fleet: Fleet,
  sessions: Sessions,
  overtaken: PeerListener['overtaken'],
): PeerListener {
  return {
    nodes(changed) {
      for (const stored of changed) {
        closeOlder(stored, fleet, sessions);
        fleet.learned(stored);
      }
    },
    heard(seen) {
      for (const [uid, atMs] of seen) fleet.heardElsewhere(uid, atMs);
    },
    section: (change) => fleet.changedElsewhere(change),
    event: (uid, record) => fleet.recorded(uid, record),
    isWatched: () => fleet.isWatched,
    command: (command) => ask(command, sessions),
    overtaken,
  };
}

/** A node that has gone to another aggregator, or was retired there, is no longer served here. */
function closeOlder(stored: StoredNode, fleet: Fleet, sessions: Sessions): void {
  const live = fleet.get(stored.uid)?.live;
  if (live === undefined || live.session >= stored.session) return;
  const session = sessions.of(stored.uid);
  if (stored.retiredAtMs === null) session?.close(CLOSE.superseded, 'superseded');
  else session?.close(CLOSE.revoked, 'node retired');
}

async function ask(
  { uid, verb, arguments: args, withinMs }: PeerCommand,
  sessions: Sessions,
): Promise<PeerAnswer> {
  try {
    const session = sessions.of(uid);
    if (session === undefined) {
      throw new CommandError('ERR_COMMAND_DISCONNECTED', 'the node disconnected');
    }
    return { ok: true, parts: await session.commands.ask(verb, args, withinMs) };
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    return { ok: false, code: error.code, message: error.message };
  }
}
