/** One scrape of the aggregator's metrics: values by name with labels, as the text has them. */
export type Scrape = ReadonlyMap<string, number>;

export async function scrape(url: string, token: string): Promise<Scrape> {
  const response = await fetch(`${url}/metrics`, { headers: { authorization: `Bearer ${token}` } });
  if (!response.ok) throw new Error(`metrics: HTTP ${response.status}`);
  return parseScrape(await response.text());
}

export function parseScrape(text: string): Scrape {
  const values = new Map<string, number>();
  for (const line of text.split('\n')) {
    const [, name, value] = /^((?:nodeseal|process)_\S+) (\S+)/.exec(line) ?? [];
    if (name !== undefined) values.set(name, Number(value));
  }
  return values;
}

/**
 * The quantile of what a histogram observed between two scrapes, as PromQL's histogram_quantile: linear within a bucket.
 * NaN when nothing was observed.
 */
export function quantileBetween(
  before: Scrape | undefined,
  after: Scrape,
  name: string,
  quantile: number,
): number {
  const buckets = [...after]
    .flatMap(([key, value]) => {
      const bound = new RegExp(`^${name}_bucket\\{le="([^"]+)"\\}$`).exec(key)?.[1];
      if (bound === undefined) return [];
      const count = value - (before?.get(key) ?? 0);
      return [{ bound: bound === '+Inf' ? Number.POSITIVE_INFINITY : Number(bound), count }];
    })
    .sort((a, b) => a.bound - b.bound);
  const total = buckets.at(-1)?.count ?? 0;
  const rank = quantile * total;
  let [low, below] = [0, 0];
  for (const { bound, count } of buckets) {
    if (count >= rank && count > below) {
      if (bound === Number.POSITIVE_INFINITY) return low;
      return low + ((bound - low) * (rank - below)) / (count - below);
    }
    [low, below] = [bound, count];
  }
  return Number.NaN;
}
