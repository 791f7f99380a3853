import { type Host, openHost } from '../../agent/host.ts';

/** A node that says which file is about to be read as bytes, before it is. */
export function heardHost(root: string, onRead: (path: string) => void): Host {
  const host = openHost(root);
  return {
    root: host.root,
    readBytes: async (path, limit) => {
      onRead(path);
      return await host.readBytes(path, limit);
    },
    readIdentified: async (path, limit) => {
      onRead(path);
      return await host.readIdentified(path, limit);
    },
    readText: (path, limit) => host.readText(path, limit),
    stat: (path) => host.stat(path),
    lstat: (path) => host.lstat(path),
    list: (path) => host.list(path),
    readLink: (path) => host.readLink(path),
    resolve: (path) => host.resolve(path),
    identify: (path) => host.identify(path),
    readPieces: (path) => host.readPieces(path),
  };
}
