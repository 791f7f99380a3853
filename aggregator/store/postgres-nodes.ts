import { byNode, readNode } from './node-row.ts';
import type { Query } from './postgres-connection.ts';
import { integer, type Row, truth } from './row.ts';
import type { StoredNode } from './stored-node.ts';

/** An aggregator that said nothing for so long is gone; it says something every two seconds. */
export const REPLICA_GONE = `interval '15 seconds'`;

/** Nodes as `replica` sees them: all, or those that transactions from `changed` on have changed. */
export async function readNodes(
  query: Query,
  replica: string,
  changed = '0',
): Promise<readonly StoredNode[]> {
  const rows = await query(
    `SELECT node.*, node.replica <> $1 AND EXISTS (SELECT 1 FROM replica
         WHERE replica.id = node.replica AND seen_at > now() - ${REPLICA_GONE}) AS elsewhere
       FROM node WHERE changed >= $2::xid8 ORDER BY name, id`,
    [replica, changed],
  );
  if (rows.length === 0) return [];
  const sections = byNode(
    await query(
      `SELECT section.node, section.name, body.hash, section.tally
         FROM section JOIN body ON body.id = section.body JOIN node ON node.id = section.node
         WHERE node.changed >= $1::xid8`,
      [changed],
    ),
  );
  return rows.map((row) =>
    readNode(row, sections.get(integer(row, 'id')) ?? [], truth(row, 'elsewhere')),
  );
}

/** Uid and time heard last of the nodes that another aggregator, which is there, has a connection of. */
export async function connectedElsewhere(query: Query, replica: string): Promise<readonly Row[]> {
  return await query(
    `SELECT node.uid, node.last_seen FROM node JOIN replica ON replica.id = node.replica
       WHERE replica.id <> $1 AND seen_at > now() - ${REPLICA_GONE}`,
    [replica],
  );
}
