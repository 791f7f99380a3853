import type { Observed } from '../../shared/findings.ts';

/**
 * Observed values a person accepted as right, by finding key (`findingKey`). `digest` is of their canonical
 * JSON. The agent keeps it in its state directory; nothing on the node is touched.
 */
export interface Baseline {
  readonly digest: string;
  /** RFC 3339. */
  readonly acceptedAt: string;
  readonly acceptedBy: string;
  readonly observed: Readonly<Record<string, Observed>>;
}
