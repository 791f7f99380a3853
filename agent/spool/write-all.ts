import type { FileHandle } from 'node:fs/promises';

/** Writes all of it from a place on: a disk that is filling up takes a part, and says why only when asked again. */
export async function writeAll(file: FileHandle, bytes: Buffer, place: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    const rest = bytes.length - done;
    done += (await file.write(bytes, done, rest, place + done)).bytesWritten;
  }
}
