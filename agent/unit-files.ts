import type { Host } from './host.ts';

/** systemd.unit(5), highest first; what is made at boot or by `systemctl set-property` sets no variables. */
const FOLDERS = [
  '/etc/systemd/system',
  '/run/systemd/system',
  '/usr/local/lib/systemd/system',
  '/usr/lib/systemd/system',
] as const;

/** A file of a unit: its own, or a drop-in. */
export interface UnitText {
  readonly path: string;
  readonly text: string;
}

/**
 * What makes a service, in the order it applies: its unit file, then its drop-ins. Nothing for one that is not there or is
 * masked. Throws `HostError` at the file that cannot be read.
 */
export async function* unitTexts(host: Host, unit: string): AsyncGenerator<UnitText> {
  for (const folder of FOLDERS) {
    const path = `${folder}/${unit}`;
    const text = await readUnlessMasked(host, path);
    if (text === undefined) continue;
    if (text === '') return;
    yield { path, text };
    for (const dropIn of await dropInsOf(host, unit)) {
      yield { path: dropIn, text: (await readUnlessMasked(host, dropIn)) ?? '' };
    }
    return;
  }
}

/** Text of a unit file; '' for one that is masked, undefined for one that is not there. */
async function readUnlessMasked(host: Host, path: string): Promise<string | undefined> {
  const isMasked = (await host.readLink(path)) === '/dev/null';
  return isMasked ? '' : await host.readText(path);
}

/** By file name; where several folders have one of that name, those of the unit itself and the higher ones count. */
async function dropInsOf(host: Host, unit: string): Promise<readonly string[]> {
  const paths = new Map<string, string>();
  for (const kind of [unit, 'service']) {
    for (const folder of FOLDERS) {
      const dropIns = `${folder}/${kind}.d`;
      for (const name of (await host.list(dropIns)) ?? []) {
        if (name.endsWith('.conf') && !paths.has(name)) paths.set(name, `${dropIns}/${name}`);
      }
    }
  }
  return [...paths.keys()].sort().flatMap((name) => paths.get(name) ?? []);
}
