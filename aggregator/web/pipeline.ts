import type { Counter, Histogram } from 'prom-client';
import type { ApiContext } from '../api/route.ts';

/** How well what happens on nodes comes here. */
export interface Pipeline {
  /** From the event to its receipt: `≤ 0.5 s`; undefined when there was none since the start. */
  readonly lag: { readonly p50: string | undefined; readonly p99: string | undefined };
  readonly unsent: number;
  readonly lost: number;
  readonly backlog: number;
  readonly resyncs: readonly { readonly reason: string; readonly count: number }[];
  readonly gaps: number;
  readonly rejects: number;
  /** The largest of all connected nodes, seconds. */
  readonly skewSeconds: number | undefined;
}

/** The same numbers as the metrics have. */
export async function pipelineOf({ fleet, metrics, store }: ApiContext): Promise<Pipeline> {
  let [unsent, lost] = [0, 0];
  let skewSeconds: number | undefined;
  for (const node of fleet.members()) {
    lost += node.lost;
    unsent += node.live?.unsentRecords ?? 0;
    const skew = node.live?.clockSkewSeconds ?? undefined;
    if (skew !== undefined && Math.abs(skew) >= Math.abs(skewSeconds ?? 0)) skewSeconds = skew;
  }
  return {
    lag: {
      p50: await quantile(metrics.ingestLag, 0.5),
      p99: await quantile(metrics.ingestLag, 0.99),
    },
    unsent,
    lost,
    backlog: store.backlog,
    resyncs: (await metrics.resyncs.get()).values.map(({ labels, value }) => {
      return { reason: String(labels['reason']), count: value };
    }),
    gaps: await total(metrics.gaps),
    rejects: await total(metrics.rejects),
    skewSeconds,
  };
}

/** The bound of the bucket in which it lies: more is not known of it. */
async function quantile(histogram: Histogram, part: number): Promise<string | undefined> {
  const { values } = await histogram.get();
  const buckets = values.filter(({ metricName }) => metricName?.endsWith('_bucket'));
  const count = values.find(({ metricName }) => metricName?.endsWith('_count'))?.value ?? 0;
  if (count === 0) return undefined;
  const bounds = buckets.map(({ labels }) =>
    Number(labels['le'] === '+Inf' ? Infinity : labels['le']),
  );
  const at = buckets.findIndex(({ value }) => value >= part * count);
  const bound = bounds[at] ?? Infinity;
  return Number.isFinite(bound) ? `≤ ${bound} s` : `> ${bounds[at - 1]} s`;
}

async function total(counter: Counter): Promise<number> {
  const { values } = await counter.get();
  return values.reduce((sum, { value }) => sum + value, 0);
}
