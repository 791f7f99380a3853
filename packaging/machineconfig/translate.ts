import * as v from 'valibot';
import { parse, stringify } from 'yaml';

const MODE = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(0o7777));
const butane = v.strictObject({
  variant: v.literal('openshift'),
  version: v.literal('4.14.0'),
  metadata: v.strictObject({ name: v.string(), labels: v.record(v.string(), v.string()) }),
  storage: v.strictObject({
    files: v.array(
      v.strictObject({
        path: v.pipe(v.string(), v.startsWith('/')),
        mode: MODE,
        overwrite: v.boolean(),
        contents: v.strictObject({ inline: v.string() }),
      }),
    ),
  }),
});

/** Of Ignition, which version 4.14.0 of the variant has. */
const IGNITION = '3.4.0';
const HEAD = '# Written by `npm run docs` from nodeseal-agent.bu beside it: change that.\n';

/**
 * The MachineConfig that a Butane file of ours stands for, as butane makes it. Knows the part of Butane that we write and
 * throws for every other key.
 */
export function translateButane(text: string): string {
  // As butane reads it: a mode of a leading 0 is octal.
  const { metadata, storage } = v.parse(butane, parse(text, { version: '1.1' }));
  const files = storage.files.map(({ path, mode, overwrite, contents }) => ({
    contents: { compression: '', source: `data:,${encodeURIComponent(contents.inline)}` },
    mode,
    overwrite,
    path,
  }));
  const config = { ignition: { version: IGNITION }, storage: { files } };
  return (
    HEAD +
    stringify(
      {
        apiVersion: 'machineconfiguration.openshift.io/v1',
        kind: 'MachineConfig',
        metadata: { labels: metadata.labels, name: metadata.name },
        spec: { config },
      },
      { lineWidth: 0 },
    )
  );
}
