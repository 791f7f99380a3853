import { join } from 'node:path';
import type { AggregatorConfig } from '../config.ts';
import type { ExpectedSource } from './expected.ts';
import { InventoryFile, type InventoryFileOptions } from './inventory-file.ts';
import { KubernetesNodes } from './kubernetes-nodes.ts';

/** The lists of expected nodes that a configuration names. */
export interface Sources {
  readonly all: readonly ExpectedSource[];
  /** To be read again every few seconds. */
  readonly inventory: InventoryFile | undefined;
}

/** Throws `ConfigError` when the inventory file is of no use and none is kept from before. */
export async function openSources(
  { stateDir, inventoryFile, kubernetes }: AggregatorConfig,
  { sink, clock, log }: Pick<InventoryFileOptions, 'sink' | 'clock' | 'log'>,
): Promise<Sources> {
  const keptFile = (source: string): string => join(stateDir, `expected-${source}.json`);
  const inventory =
    inventoryFile === undefined
      ? undefined
      : await InventoryFile.open({
          file: inventoryFile,
          keptFile: keptFile('inventory'),
          sink,
          clock,
          log,
        });
  const cluster =
    kubernetes?.nodes === true
      ? await KubernetesNodes.start({
          api: kubernetes,
          keptFile: keptFile('kubernetes'),
          sink,
          clock,
          log,
          random: Math.random,
        })
      : undefined;
  return { all: [inventory, cluster].filter((source) => source !== undefined), inventory };
}
